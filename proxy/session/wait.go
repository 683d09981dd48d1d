package session

import (
	"strings"

	"github.com/shardring/shardring/shard/command"
)

// onOwn handles a request that needs a connection of the session's own. It returns
// false as handle.
func (s *Session) onOwn(cmd *command.Command, a *arguments) bool {
	switch {
	case cmd.Group == "transactions":
		return s.transact(cmd, a)
	case cmd.Flags&command.PubSub != 0:
		return s.subscribe(cmd, a)
	case cmd.Name == "wait":
		return s.waitForReplicas(cmd, a)
	}
	return s.block(cmd, a)
}

// block sends a command that waits for something to happen. The session's next
// requests wait for it. A session that is about to end ends instead: nobody may be
// there to take what came of it.
func (s *Session) block(cmd *command.Command, a *arguments) bool {
	if s.fence() {
		return false
	}
	shard, ok := s.owner(cmd, a)
	if !ok {
		return true
	}
	if s.phase != open {
		s.hangUp()
		return true
	}
	w := &waiting{r: s.begin(), shard: s.pool.snap.Shards[shard].Name, size: len(a.frame)}
	w.call.To, w.call.Patient = w, true
	w.frame.Append(s.core.buffer, a.frame)
	w.ask(a.frame)
	s.fence()
	return true
}

// waitForReplicas sends WAIT to the shards that the session wrote to, to all if it
// wrote to none, and answers with the smallest number. A node's WAIT is for what
// its connection has seen, so a PING goes before it.
func (s *Session) waitForReplicas(cmd *command.Command, a *arguments) bool {
	if s.fence() {
		return false
	}
	if s.phase != open {
		s.hangUp()
		return true
	}
	c := s.core
	g := c.newGather(cmd.Merge)
	for i := range s.pool.snap.Shards {
		if s.wrote == 0 || s.wrote&(1<<(i&63)) != 0 {
			g.parts = append(g.parts, part{shard: i})
		}
	}
	s.start(g)
	for i := range g.parts {
		o := s.own(g.parts[i].shard)
		s.private.wait = o
		s.sendSilently(o, "PING")
		g.parts[i].call.Patient = true
		if q := g.send(i); q != nil {
			q.Append(c.buffer, a.frame)
		}
	}
	g.sent()
	s.fence()
	return true
}

// whileSubscribed reports whether a client of RESP2 that has subscribed may say
// this.
func whileSubscribed(cmd *command.Command) bool {
	switch cmd.Name {
	case "subscribe", "unsubscribe", "psubscribe", "punsubscribe", "ssubscribe", "sunsubscribe", "ping", "quit", "reset":
		return true
	}
	return false
}

// subscribedError is that of Redis's server.c.
func subscribedError(cmd *command.Command) command.Error {
	return command.Error("ERR Can't execute '" + strings.ReplaceAll(cmd.Name, "|", " ") +
		"': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context")
}
