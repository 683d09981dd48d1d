package session

import (
	"fmt"
	"slices"
	"strings"
)

// Endpoint is what a driver's Link may tell of a client's socket.
type Endpoint interface {
	// Endpoint returns the addresses of both ends and the descriptor, -1 if there
	// is none.
	Endpoint() (remote, local string, fd int)
}

// identity is what a client says of itself.
type identity struct {
	name, lib, version string
}

// kind is a type of client, by the names of CLIENT LIST TYPE.
func (s *Session) kind() string {
	if s.private != nil && s.private.subs.any() {
		return "pubsub"
	}
	return "normal"
}

// kinds are the types that Redis knows; here nobody is one of the last three.
var kinds = []string{"normal", "pubsub", "replica", "slave", "master"}

func (s *Session) endpoint() (remote, local string, fd int) {
	if e, ok := s.Link.(Endpoint); ok {
		return e.Endpoint()
	}
	return "", "", -1
}

// describe returns the session's line of CLIENT LIST; query is the length of a
// request that is being handled.
func (s *Session) describe(query int) string {
	remote, local, fd := s.endpoint()
	const second = int64(1e9)
	flags, subs, psubs, ssubs, multi, redir := "", 0, 0, 0, -1, int64(-1)
	if pr := s.private; pr != nil {
		if pr.subs != nil {
			subs, psubs, ssubs = len(pr.subs.of[channels]), len(pr.subs.of[patterns]), len(pr.subs.of[shardChannels])
		}
		if pr.subs.any() {
			flags += "P"
		}
		if pr.tx.open {
			flags, multi = flags+"x", pr.tx.count
		}
		if pr.wait != nil {
			flags += "b"
		}
		if pr.track != nil {
			flags += "t"
			redir = int64(pr.track.redirect)
			if pr.track.broken {
				flags += "R"
			}
			if pr.track.bcast {
				flags += "B"
			}
		}
	}
	if flags == "" {
		flags = "N"
	}
	last := "NULL"
	if s.last != nil {
		last = s.last.Name
	}
	var who identity
	if s.who != nil {
		who = *s.who
	}
	kept := query
	if s.kept != nil {
		kept += len(s.kept.buf)
	}
	return fmt.Sprintf("id=%d addr=%s laddr=%s fd=%d name=%s age=%d idle=%d flags=%s db=%d sub=%d psub=%d ssub=%d multi=%d "+
		"qbuf=%d qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=%d oll=0 omem=%d tot-mem=%d events=r cmd=%s user=%s redir=%d resp=%d lib-name=%s lib-ver=%s\n",
		s.id, remote, local, fd, who.name, (s.core.now-s.since)/second, (s.core.now-s.active)/second, flags, s.lane.db, subs, psubs, ssubs, multi,
		kept, s.Out.Len(), s.held, kept+s.unread(), last, s.userName(), redir, s.lane.proto, who.lib, who.version)
}

// userName is as whom the client logged in.
func (s *Session) userName() string {
	if s.user == nil {
		return "(none)"
	}
	return s.user.Name()
}

// filter says which clients are meant.
type filter struct {
	ids         []uint64
	addr, laddr string
	kind, user  string
	not         uint64 // but this one; 0: none
}

func (f *filter) matches(s *Session) bool {
	if f.not == s.id || len(f.ids) > 0 && !slices.Contains(f.ids, s.id) {
		return false
	}
	if f.kind != "" && s.kind() != f.kind || f.user != "" && f.user != s.userName() {
		return false
	}
	if f.addr == "" && f.laddr == "" {
		return true
	}
	remote, local, _ := s.endpoint()
	return (f.addr == "" || f.addr == remote) && (f.laddr == "" || f.laddr == local)
}

// matching returns the open sessions of a pool, by its name, that the filter means.
func (c *Core) matching(pool string, f *filter) []*Session {
	var all []*Session
	for s := range c.open {
		if s.pool.Name == pool && f.matches(s) {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b *Session) int { return int(a.id) - int(b.id) })
	return all
}

// list returns the lines of the clients that the filter means. asks is who wants to
// know, by a request of so many bytes.
func (c *Core) list(pool string, f *filter, asks *Session, query int) string {
	var text strings.Builder
	for _, s := range c.matching(pool, f) {
		if s == asks {
			text.WriteString(s.describe(query))
		} else {
			text.WriteString(s.describe(0))
		}
	}
	return text.String()
}

// kill ends the sessions that the filter means, but for the one that asks, which
// is told first; it returns their number.
func (c *Core) kill(pool string, f *filter, asks *Session) int {
	all := c.matching(pool, f)
	for _, s := range all {
		if s == asks {
			s.end()
			continue
		}
		s.Closed()
		s.touch()
	}
	return len(all)
}
