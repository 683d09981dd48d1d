package session

import (
	"strconv"

	"github.com/shardring/shardring/shard/command"
)

// pause is CLIENT PAUSE: until its end no request of the pool's clients is handled,
// or none that writes.
type pause struct {
	until     int64      // ns; 0: there is none
	writes    bool       // only what writes waits
	functions *functions // what the pool's nodes say of theirs; nil: nobody has asked
}

// clientPause takes CLIENT PAUSE ms [WRITE|ALL].
func (s *Session) clientPause(a *arguments) error {
	writes := false
	if a.Len() > 4 {
		return command.Error("ERR wrong number of arguments for 'client|pause' command")
	}
	if a.Len() == 4 {
		switch {
		case isWord(a.At(3), "write"):
			writes = true
		case !isWord(a.At(3), "all"):
			return command.Error("ERR CLIENT PAUSE mode must be WRITE or ALL")
		}
	}
	ms, err := strconv.ParseInt(string(a.At(2)), 10, 64)
	switch {
	case err != nil:
		return command.Error("ERR timeout is not an integer or out of range")
	case ms < 0:
		return command.Error("ERR timeout is negative")
	}
	ms = min(ms, 1<<40)
	s.forPools(func(p *Pool) { p.pauseFor(ms, writes) })
	return nil
}

func (s *Session) clientUnpause(*arguments) error {
	s.forPools((*Pool).unpause)
	return nil
}

// forPools does something with the session's pool on every loop, then answers OK.
func (s *Session) forPools(f func(*Pool)) {
	r, name := s.begin(), s.pool.Name
	survey(s.core, func(c *Core) bool {
		for _, p := range c.pools {
			if p.Name == name {
				f(p)
			}
		}
		return true
	}, func([]bool) { r.finish(okReply) })
}

// pauseFor begins a pause, or makes the present one longer or stricter.
func (p *Pool) pauseFor(ms int64, writes bool) {
	end := p.core.now + ms*1e6
	if p.pause.until == 0 {
		p.pause.until, p.pause.writes = end, writes
	} else {
		p.pause.until = max(p.pause.until, end)
		p.pause.writes = p.pause.writes && writes
	}
	p.heatAll()
}

func (p *Pool) unpause() {
	p.pause = pause{}
	p.heatAll()
	p.handlePostponed()
}

// handlePostponed has those go on that wait for the end of a pause; who still has to,
// waits again.
func (p *Pool) handlePostponed() {
	for _, s := range p.core.matching(p.Name, &filter{}) {
		if s.postponed {
			s.goAhead()
			s.unstall()
		}
	}
}

// goAhead ends the session's waiting for the end of a pause.
func (s *Session) goAhead() {
	if s.postponed {
		s.postponed = false
		s.pool.shared.postponed.Add(-1)
	}
}

func (p *Pool) heatAll() {
	for s := range p.core.open {
		if s.pool == p {
			s.heat()
		}
	}
}

// postpone reports whether a command has to wait for the end of a pause, and has
// the session wait.
func (s *Session) postpone(cmd *command.Command, a *arguments) bool {
	p := &s.pool.pause
	if p.until == 0 || p.writes && !s.mayWrite(cmd, a) {
		return false
	}
	if p.writes && cmd.Name == "fcall" {
		if p.functions.readOnly(a.At(1)) {
			return false
		}
		s.askFunctions(cmd, a)
	}
	s.postponed, s.stalled = true, true
	s.pool.shared.postponed.Add(1)
	return true
}

// mayWrite is is_may_replicate_command of Redis's server.c; of a function it does not
// know better.
func (s *Session) mayWrite(cmd *command.Command, a *arguments) bool {
	switch cmd.Name {
	case "eval":
		return !readsOnly(string(a.At(1)))
	case "evalsha":
		body, _ := s.pool.shared.scripts.body(a.At(1))
		return !readsOnly(body)
	case "fcall", "pfcount", "publish", "spublish":
		return true
	case "exec":
		return s.private != nil && s.private.tx.writes
	}
	return cmd.Flags&command.Write != 0
}
