package migrate

import (
	"context"
	"fmt"
	"time"

	"github.com/shardring/shardring/shard/config"
)

const (
	settle = time.Second            // how long the lag is to be small before the switch
	grace  = 500 * time.Millisecond // what the target gets of the stream's end after the source's demotion
)

// look asks both nodes what they are, and the files what they have.
func (m *Move) look(ctx context.Context) (seen, error) {
	if m.journal.past.frozen || m.journal.past.demoted {
		ctx = context.WithoutCancel(ctx)
	}
	var s seen
	var si, ti map[string]string
	for end := time.Now().Add(m.opt.Timeout); ; {
		s.source, si = replication(ctx, m.source, m.target)
		s.target, ti = replication(ctx, m.target, m.source)
		if s.source != unknown && s.target != unknown || time.Now().After(end) || sleep(ctx, 50*time.Millisecond) != nil {
			break
		}
	}
	if s.target == unknown || s.source == unknown && !m.journal.past.demoted {
		if err := ctx.Err(); err != nil {
			return s, fmt.Errorf("stopped: %w; --resume goes on, --abort takes it back", err)
		}
		addr := m.header.Source
		if s.target == unknown {
			addr = m.header.Target
		}
		return s, fmt.Errorf("%s does not answer; when it does, --resume goes on and --abort takes the move back", addr)
	}
	s.sourceOffset = number(si, "master_repl_offset")
	s.targetOffset = number(ti, "slave_repl_offset")
	s.sameStream = si["master_replid"] == ti["master_replid"]
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
