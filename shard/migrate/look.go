package migrate

import (
	"context"
	"fmt"
	"time"

	"github.com/shardring/shardring/shard/config"
)

const (
	settle      = time.Second            // how long the lag is to be small before the switch
	strandedFor = 300 * time.Millisecond // how long a target may be away while the source is its replica
	grace       = 500 * time.Millisecond // what the target gets of the stream's end after the source's demotion
)

// look asks both nodes what they are, and the files what they have. Both have to
// answer, but for a source that has been demoted.
func (m *Move) look(ctx context.Context) (seen, error) {
	s, err := m.see(ctx)
	if err != nil || m.stranded(s) || s.target != unknown && (s.source != unknown || m.journal.past.demoted) {
		return s, err
	}
	if err := ctx.Err(); err != nil {
		return s, m.stopped(err)
	}
	if s.target == unknown {
		return s, fmt.Errorf("%s does not answer; when it does, --resume goes on; --abort takes the move back, also without it", m.header.Target)
	}
	return s, fmt.Errorf("%s does not answer; when it does, --resume goes on and --abort takes the move back", m.header.Source)
}

// see is look where a node need not answer.
func (m *Move) see(ctx context.Context) (seen, error) {
	if m.journal.past.frozen || m.journal.past.demoted {
		ctx = context.WithoutCancel(ctx)
	}
	var s seen
	var si, ti map[string]string
	for end := time.Now().Add(m.opt.Timeout); ; {
		s.source, si = replication(ctx, m.source, m.target)
		s.target, ti = replication(ctx, m.target, m.source)
		if m.stranded(s) && time.Until(end) < m.opt.Timeout-strandedFor {
			break
		}
		if s.source != unknown && s.target != unknown || time.Now().After(end) || sleep(ctx, 50*time.Millisecond) != nil {
			break
		}
	}
	s.sourceOffset = number(si, "master_repl_offset")
	s.targetOffset = number(ti, "slave_repl_offset")
	s.sameStream = si["master_replid"] == ti["master_replid"]
	s.restarted = s.target == primary && m.restarted(ctx)
	s.descends = s.source == primary && s.target == primary && si["master_replid"] == ti["master_replid2"] && !s.restarted
	s.linked = ti["master_link_status"] == "up"
	s.waited = m.waited(s)
	s.caughtUp = m.caughtUp(s)
	if m.held() { // what the files have is not asked for meanwhile
		return s, nil
	}
	file, err := config.Load(m.path)
	if err != nil {
		return s, err
	}
	s.written, s.told = writtenIn(file, m.header), m.told
	return s, nil
}

// stranded says that the source was demoted and that the target, which this move has
// not promoted, is away: when that is back with nothing, the source must not copy it.
func (m *Move) stranded(s seen) bool {
	p := m.journal.past
	return s.source == ofOther && s.target == unknown && p.handsOver() && !p.promoted
}

// restarted says that the target was started again since it was attached, and so is a
// primary without anybody's doing. Where Sentinels may have promoted it before that is
// not enough.
func (m *Move) restarted(ctx context.Context) bool {
	info, err := m.target.info(ctx, "server")
	return err == nil && m.header.Way != BySentinels && m.journal.run != "" && info["run_id"] != m.journal.run
}

// waited says that the target had its time since both are replicas.
func (m *Move) waited(s seen) bool {
	if s.source != ofOther || s.target != ofOther {
		m.bothSince = time.Time{}
		return false
	}
	if m.bothSince.IsZero() {
		m.bothSince = time.Now()
	}
	return time.Since(m.bothSince) > grace
}

// caughtUp says that the lag is small and has been for a while.
func (m *Move) caughtUp(s seen) bool {
	if s.source != primary || s.target != ofOther || !s.linked || s.sourceOffset-s.targetOffset > m.opt.MaxLag {
		m.steady = time.Time{}
		return false
	}
	if m.steady.IsZero() {
		m.steady = time.Now()
	}
	return m.journal.past.frozen || time.Since(m.steady) >= settle
}

// writtenIn says that a configuration has the target as the shard's primary, or has
// none because Sentinels know it.
func writtenIn(file *config.File, h Header) bool {
	p, err := file.Pool(h.Pool)
	if err != nil {
		return false
	}
	for _, s := range p.Shards {
		// A shard that was known by its address has that as its name now.
		if s.String() == h.Shard {
			return s.Primary.Addr == h.Target || s.Primary == (config.Address{})
		}
	}
	for _, s := range p.Shards { // known by its place
		if s.Primary.Addr == h.Target {
			return true
		}
	}
	return false
}
