package session

import (
	"strconv"
	"strings"
	"time"

	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/resp"
)

// redisVersion is the Redis whose commands and texts we speak.
const redisVersion = "7.0.15"

// locals answer what the command table calls local. Each returns the reply.
var locals = map[string]func(s *Session, dst []byte, cmd *command.Command, a *arguments) []byte{
	"ping": (*Session).ping,
	"echo": func(_ *Session, dst []byte, _ *command.Command, a *arguments) []byte {
		return resp.AppendBulk(dst, a.At(1))
	},
	"time":      (*Session).time,
	"quit":      (*Session).quit,
	"auth":      (*Session).auth,
	"readonly":  (*Session).readOnly,
	"readwrite": (*Session).readOnly,
}

// fenced are those that change what the session's connections are: nothing may be
// under way. Each returns false as handle.
var fenced = map[string]func(s *Session, cmd *command.Command, a *arguments) bool{
	"reset":  (*Session).reset,
	"hello":  (*Session).hello,
	"select": (*Session).selectDB,

	"client|tracking": (*Session).clientTracking,
}

// local answers a request here. It returns false as handle.
func (s *Session) local(cmd *command.Command, a *arguments) bool {
	if f := fenced[cmd.Name]; f != nil {
		return f(s, cmd, a)
	}
	if cmd.Name == "ping" && len(s.pool.busy) > 0 && !s.listens() {
		// All is well if no shard says otherwise.
		if shard := s.pool.busyShard(); shard >= 0 {
			s.forward(shard, a.frame)
			return true
		}
	}
	if strings.HasPrefix(cmd.Name, "client|") {
		s.client(cmd, a)
		return true
	}
	r := s.begin()
	if strings.HasPrefix(cmd.Name, "acl") {
		r.finish(s.pool.users.AppendReply(nil, a, s.user, s.lane.proto == 3))
		return true
	}
	if f := locals[cmd.Name]; f != nil {
		r.finish(f(s, nil, cmd, a))
		return true
	}
	r.finish(s.pool.table.AppendCommandReply(nil, a)) // COMMAND and its subcommands
	return true
}

// beforeLogin reports whether a client that has not logged in may say this.
func beforeLogin(cmd *command.Command) bool {
	switch cmd.Name {
	case "auth", "hello", "quit", "reset":
		return true
	}
	return false
}

func (s *Session) ping(dst []byte, cmd *command.Command, a *arguments) []byte {
	switch a.Len() {
	case 1:
		if s.listens() {
			return resp.AppendBulk(resp.AppendBulk(resp.AppendArray(dst, 2), "pong"), "")
		}
		return resp.AppendSimple(dst, "PONG")
	case 2:
		if s.listens() {
			return resp.AppendBulk(resp.AppendBulk(resp.AppendArray(dst, 2), "pong"), a.At(1))
		}
		return resp.AppendBulk(dst, a.At(1))
	}
	return resp.AppendError(dst, "ERR wrong number of arguments for 'ping' command")
}

func (s *Session) time(dst []byte, _ *command.Command, _ *arguments) []byte {
	t := time.Unix(0, s.core.wall())
	dst = resp.AppendArray(dst, 2)
	dst = resp.AppendBulk(dst, strconv.FormatInt(t.Unix(), 10))
	return resp.AppendBulk(dst, strconv.Itoa(t.Nanosecond()/1000))
}

func (s *Session) quit(dst []byte, _ *command.Command, _ *arguments) []byte {
	s.end()
	return resp.AppendSimple(dst, "OK")
}
