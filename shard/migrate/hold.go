package migrate

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// freeze has writes at the source wait, and waits until the target has all that came
// before.
func (m *Move) freeze(ctx context.Context) error {
	m.result.Attempts++
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

// freezes notes that writes wait from now on, for that long at most.
func (m *Move) freezes(hold time.Duration) {
	m.frozenAt = time.Now()
	m.cutoff = m.frozenAt.Add(hold)
}

// held says that writes wait, and not for Sentinels, which take seconds.
func (m *Move) held() bool { return !m.frozenAt.IsZero() && m.header.Way != BySentinels }

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
	if !m.frozenAt.IsZero() {
		m.result.Frozen = time.Since(m.frozenAt)
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
