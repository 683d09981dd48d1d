package session

import (
	"bytes"
	"strconv"

	"github.com/shardring/shardring/proxy/acl"
	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/resp"
)

// auth takes AUTH password and AUTH user password.
func (s *Session) auth(dst []byte, _ *command.Command, a *arguments) []byte {
	if a.Len() > 3 {
		return resp.AppendError(dst, "ERR syntax error")
	}
	if a.Len() == 2 && s.pool.users.Default().NoPass() {
		return resp.AppendError(dst, "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
	}
	name := []byte(acl.DefaultName)
	if a.Len() == 3 {
		name = a.At(1)
	}
	user, ok := s.pool.users.Authenticate(name, a.At(a.Len()-1))
	if !ok {
		return resp.AppendError(dst, wrongPass)
	}
	s.login(user)
	return resp.AppendSimple(dst, "OK")
}

const wrongPass = "WRONGPASS invalid username-password pair or user is disabled."

func (s *Session) login(user *acl.User) {
	s.user = user
	s.heat()
}

// reset makes the session as new, its place and number aside.
func (s *Session) reset(_ *command.Command, _ *arguments) bool {
	if s.fence() {
		return false
	}
	s.giveBackAll()
	s.who, s.wrote, s.writes, s.mute, s.reads = nil, 0, nil, speaking, readsAsPool
	s.login(s.pool.users.Initial())
	s.move(laneKey{db: s.pool.cfg.Database, proto: 2})
	s.begin().finish(resp.AppendSimple(nil, "RESET"))
	return true
}

// hello takes HELLO [2|3 [AUTH user password] [SETNAME name]]. Like Redis it does
// what an option says although a later one may be wrong.
func (s *Session) hello(_ *command.Command, a *arguments) bool {
	if s.fence() {
		return false
	}
	proto := s.lane.proto
	if a.Len() > 1 {
		v, err := strconv.ParseInt(string(a.At(1)), 10, 64)
		if err != nil {
			s.refuse(command.Error("ERR Protocol version is not an integer or out of range"))
			return true
		}
		if v != 2 && v != 3 {
			s.refuse(command.Error("NOPROTO unsupported protocol version"))
			return true
		}
		proto = int(v)
	}
	for i := 2; i < a.Len(); {
		switch opt := a.At(i); {
		case bytes.EqualFold(opt, []byte("auth")) && i+2 < a.Len():
			user, ok := s.pool.users.Authenticate(a.At(i+1), a.At(i+2))
			if !ok {
				s.refuse(command.Error(wrongPass))
				return true
			}
			s.login(user)
			i += 3
		case bytes.EqualFold(opt, []byte("setname")) && i+1 < a.Len():
			if !validName(a.At(i + 1)) {
				s.refuse(badName)
				return true
			}
			s.identify().name = string(a.At(i + 1))
			i += 2
		default:
			s.refuse(command.Error("ERR Syntax error in HELLO option '" + string(opt) + "'"))
			return true
		}
	}
	if s.user == nil {
		s.refuse(command.Error("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time"))
		return true
	}
	s.enter(laneKey{s.lane.db, proto}, "NOPROTO unsupported protocol version", s.greeting)
	return true
}

// greeting is the reply to HELLO.
func (s *Session) greeting() []byte {
	dst := s.appendMap(nil, 7)
	for _, kv := range [...][2]string{{"server", "redis"}, {"version", redisVersion}} {
		dst = resp.AppendBulk(resp.AppendBulk(dst, kv[0]), kv[1])
	}
	dst = resp.AppendInt(resp.AppendBulk(dst, "proto"), int64(s.lane.proto))
	dst = resp.AppendInt(resp.AppendBulk(dst, "id"), int64(s.id))
	for _, kv := range [...][2]string{{"mode", "standalone"}, {"role", "master"}} {
		dst = resp.AppendBulk(resp.AppendBulk(dst, kv[0]), kv[1])
	}
	return resp.AppendArray(resp.AppendBulk(dst, "modules"), 0)
}

// selectDB takes SELECT. A pool with a database of its own serves that one, which
// clients may also call 0.
func (s *Session) selectDB(_ *command.Command, a *arguments) bool {
	if s.fence() {
		return false
	}
	n, err := strconv.ParseInt(string(a.At(1)), 10, 32)
	own := s.pool.cfg.Database
	switch {
	case err != nil:
		s.refuse(command.Error("ERR value is not an integer or out of range"))
	case own != 0 && n != 0 && int(n) != own:
		s.refuse(command.Error("ERR DB index is out of range: pool '" + s.pool.Name + "' serves database " + strconv.Itoa(own) + " only"))
	case n < 0:
		s.refuse(command.Error(badDB))
	default:
		if own != 0 {
			n = int64(own)
		}
		s.enter(laneKey{int(n), s.lane.proto}, badDB, func() []byte { return okReply })
	}
	return true
}

const badDB = "ERR DB index is out of range"
