package migrate

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// freeze has writes at the source wait, once the target is so near that they will not
// for long, and waits until it has all that came before.
func (m *Move) freeze(ctx context.Context) error {
	m.result.Attempts++
	if late, err := m.near(ctx); err != nil {
		return err
	} else if late != "" {
		return m.again(ctx, late)
	}
	hold := m.opt.PauseFor
	if m.header.Way == BySentinels {
		hold = max(hold, holdFor)
	}
	if m.header.Way == ByFence {
		if err := m.fence(ctx); err != nil {
			return err
		}
	} else {
		m.freezes(hold)
		if err := m.pause(ctx, hold); err != nil {
			return err
		}
	}
	for {
		_, si := replication(ctx, m.source, m.target)
		r, ti := replication(ctx, m.target, m.source)
		if r == ofOther && si != nil && ti["master_link_status"] == "up" && number(ti, "slave_repl_offset") == number(si, "master_repl_offset") {
			return nil
		}
		if time.Since(m.frozenAt) > hold/2 {
			return m.again(ctx, fmt.Sprintf("the target did not catch up in %v", hold/2))
		}
		if err := sleep(ctx, 200*time.Microsecond); err != nil {
			return err
		}
	}
}

const (
	nearEnough = 10 * time.Millisecond // what the target may be behind when writes begin to wait, beside its answer's way
	nearTimes  = 10                    // so often in a row it is to be no more
	nearEvery  = 5 * time.Millisecond
	nearFor    = 5 * time.Second // after which less will do: a quarter of PauseFor
)

// near waits until the target gets at once what the source has, and does so for a
// while. A lag in bytes does not tell how long writes would wait for it. It returns why
// the switch is not begun, "" if it is.
func (m *Move) near(ctx context.Context) (late string, err error) {
	times, way := 0, m.opt.PauseFor
	for end := time.Now().Add(nearFor); times < nearTimes; {
		d, quickest, err := m.behind(ctx, m.opt.PauseFor)
		if err != nil {
			return "", err
		}
		way = min(way, quickest)
		enough, over := nearEnough+way, time.Now().After(end)
		if over {
			enough = max(enough, m.opt.PauseFor/4)
		}
		if times++; d > enough {
			times = 0
			if over {
				return fmt.Sprintf("the target is %v behind", d.Round(time.Millisecond)), nil
			}
		}
		if err := sleep(ctx, nearEvery); err != nil {
			return "", err
		}
	}
	return "", nil
}

// behind is how long the target takes to have all that the source has now, and how long
// its quickest answer took. It gives up soon after limit.
func (m *Move) behind(ctx context.Context, limit time.Duration) (d, quickest time.Duration, err error) {
	_, si := replication(ctx, m.source, m.target)
	began, quickest := time.Now(), limit
	for {
		asked := time.Now()
		r, ti := replication(ctx, m.target, m.source)
		d, quickest = time.Since(began), min(quickest, time.Since(asked))
		has := si != nil && r == ofOther && ti["master_link_status"] == "up" && number(ti, "slave_repl_offset") >= number(si, "master_repl_offset")
		if has || d > limit {
			return d, quickest, nil
		}
		if err := sleep(ctx, 200*time.Microsecond); err != nil {
			return 0, 0, err
		}
	}
}

// freezes notes that writes wait from now on, for that long at most.
func (m *Move) freezes(hold time.Duration) {
	m.frozenAt = time.Now()
	m.cutoff = m.frozenAt.Add(hold)
}

// held says that writes wait.
func (m *Move) held() bool { return !m.frozenAt.IsZero() }

func (m *Move) pause(ctx context.Context, d time.Duration) error {
	_, err := m.source.do(ctx, "CLIENT", "PAUSE", strconv.FormatInt(d.Milliseconds(), 10), "WRITE")
	return err
}

// fence has the source refuse writes: as many replicas as that it never has.
func (m *Move) fence(ctx context.Context) error {
	have, err := m.source.settings(ctx, "min-*-max-lag")
	if err != nil {
		return err
	}
	lag, count := "min-replicas-max-lag", "min-replicas-to-write"
	if _, ok := have[lag]; !ok { // before Redis 5
		lag, count = "min-slaves-max-lag", "min-slaves-to-write"
	}
	if err := m.change(ctx, m.source, lag, "1"); err != nil {
		return err
	}
	if err := m.saveOld(ctx, m.source, count); err != nil {
		return err
	}
	m.freezes(m.opt.PauseFor) // the journal has all it needs
	return m.source.set(ctx, count, "100000")
}

// maxAttempts is how often a switch is begun.
const maxAttempts = 5

// again lets writes go on, and has the switch begin anew.
func (m *Move) again(ctx context.Context, why string) error {
	if err := m.unfreeze(ctx); err != nil {
		return err
	}
	m.warn(Freeze, "attempt %d: %s; nothing was changed", m.result.Attempts, why)
	if m.result.Attempts >= maxAttempts {
		return fmt.Errorf("%d attempts to switch, the last one: %s; the source is the primary as before; --resume tries again, with a longer --pause or when less is written", m.result.Attempts, why)
	}
	m.steady = time.Time{}
	return m.journal.begin(Sync)
}

// unfreeze lets writes go on at the source.
func (m *Move) unfreeze(ctx context.Context) error {
	m.thawed()
	if m.header.Way == ByFence {
		return m.restoreOnly(ctx, m.header.Source)
	}
	return m.unpause(ctx)
}

func (m *Move) thawed() {
	if m.held() {
		m.result.Frozen = max(m.result.Frozen, time.Since(m.frozenAt))
		m.frozenAt = time.Time{}
	}
}

func (m *Move) unpause(ctx context.Context) error {
	if m.header.Way != ByPause && m.header.Way != BySentinels {
		return nil
	}
	_, err := m.source.do(ctx, "CLIENT", "UNPAUSE")
	return err
}
