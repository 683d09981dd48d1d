package session

import (
	"bytes"
	"strconv"
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
	"time":           (*Session).time,
	"quit":           (*Session).quit,
	"reset":          (*Session).reset,
	"auth":           (*Session).auth,
	"hello":          (*Session).hello,
	"select":         (*Session).selectDB,
	"readonly":       ok,
	"readwrite":      ok,
	"client|getname": (*Session).getName,
	"client|setname": (*Session).setName,
	"client|setinfo": ok,
	"client|id": func(s *Session, dst []byte, _ *command.Command, _ *arguments) []byte {
		return resp.AppendInt(dst, int64(s.id))
	},
	"config|get": func(_ *Session, dst []byte, _ *command.Command, a *arguments) []byte {
		return command.AppendConfigReply(dst, a)
	},
}

// local answers a request here.
func (s *Session) local(cmd *command.Command, a *arguments) {
	r := s.begin()
	f := locals[cmd.Name]
	if f == nil { // COMMAND and its subcommands
		r.finish(s.core.table.AppendCommandReply(nil, a))
		return
	}
	r.finish(f(s, nil, cmd, a))
}

// beforeLogin reports whether a client that has not logged in may say this.
func beforeLogin(cmd *command.Command) bool {
	switch cmd.Name {
	case "auth", "hello", "quit", "reset":
		return true
	}
	return false
}

func ok(_ *Session, dst []byte, _ *command.Command, _ *arguments) []byte {
	return resp.AppendSimple(dst, "OK")
}

func (s *Session) ping(dst []byte, cmd *command.Command, a *arguments) []byte {
	switch a.Len() {
	case 1:
		return resp.AppendSimple(dst, "PONG")
	case 2:
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

func (s *Session) reset(dst []byte, _ *command.Command, _ *arguments) []byte {
	s.admit, s.name = s.pool.cfg.Auth.IsZero(), ""
	return resp.AppendSimple(dst, "RESET")
}

// auth takes AUTH password and AUTH default password.
func (s *Session) auth(dst []byte, _ *command.Command, a *arguments) []byte {
	if a.Len() > 3 {
		return resp.AppendError(dst, "ERR syntax error")
	}
	if s.pool.cfg.Auth.IsZero() && a.Len() == 2 {
		return resp.AppendError(dst, "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
	}
	if a.Len() == 3 && string(a.At(1)) != "default" || !s.pool.cfg.Auth.IsZero() && !s.pool.admits(a.At(a.Len()-1)) {
		return resp.AppendError(dst, wrongPass)
	}
	s.admit = true
	return resp.AppendSimple(dst, "OK")
}

const wrongPass = "WRONGPASS invalid username-password pair or user is disabled."

// hello takes HELLO [2 [AUTH user password] [SETNAME name]]. Like Redis it does
// what an option says although a later one may be wrong.
func (s *Session) hello(dst []byte, _ *command.Command, a *arguments) []byte {
	if a.Len() > 1 {
		if v, err := strconv.Atoi(string(a.At(1))); err != nil {
			return resp.AppendError(dst, "ERR Protocol version is not an integer or out of range")
		} else if v != 2 {
			return resp.AppendError(dst, "NOPROTO unsupported protocol version")
		}
	}
	for i := 2; i < a.Len(); {
		switch opt := a.At(i); {
		case bytes.EqualFold(opt, []byte("auth")) && i+2 < a.Len():
			if string(a.At(i+1)) != "default" || !s.pool.cfg.Auth.IsZero() && !s.pool.admits(a.At(i+2)) {
				return resp.AppendError(dst, wrongPass)
			}
			s.admit = true
			i += 3
		case bytes.EqualFold(opt, []byte("setname")) && i+1 < a.Len():
			if !validName(a.At(i + 1)) {
				return resp.AppendError(dst, badName)
			}
			s.name = string(a.At(i + 1))
			i += 2
		default:
			return resp.AppendError(dst, "ERR Syntax error in HELLO option '"+string(opt)+"'")
		}
	}
	if !s.admit {
		return resp.AppendError(dst, "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
	}
	dst = resp.AppendArray(dst, 14)
	for _, kv := range [...][2]string{{"server", "redis"}, {"version", redisVersion}} {
		dst = resp.AppendBulk(resp.AppendBulk(dst, kv[0]), kv[1])
	}
	dst = resp.AppendInt(resp.AppendBulk(dst, "proto"), 2)
	dst = resp.AppendInt(resp.AppendBulk(dst, "id"), int64(s.id))
	for _, kv := range [...][2]string{{"mode", "standalone"}, {"role", "master"}} {
		dst = resp.AppendBulk(resp.AppendBulk(dst, kv[0]), kv[1])
	}
	return resp.AppendArray(resp.AppendBulk(dst, "modules"), 0)
}

// selectDB accepts the database that the pool serves, by its number or as 0.
func (s *Session) selectDB(dst []byte, _ *command.Command, a *arguments) []byte {
	n, err := strconv.Atoi(string(a.At(1)))
	switch {
	case err != nil:
		return resp.AppendError(dst, "ERR value is not an integer or out of range")
	case n == 0 || n == s.pool.cfg.Database:
		return resp.AppendSimple(dst, "OK")
	}
	return resp.AppendError(dst, "ERR DB index is out of range: pool '"+s.pool.Name+"' serves database "+strconv.Itoa(s.pool.cfg.Database)+" only")
}

func (s *Session) getName(dst []byte, _ *command.Command, _ *arguments) []byte {
	if s.name == "" {
		return resp.AppendNull(dst)
	}
	return resp.AppendBulk(dst, s.name)
}

func (s *Session) setName(dst []byte, _ *command.Command, a *arguments) []byte {
	if !validName(a.At(2)) {
		return resp.AppendError(dst, badName)
	}
	s.name = string(a.At(2))
	return resp.AppendSimple(dst, "OK")
}

const badName = "ERR Client names cannot contain spaces, newlines or special characters."

// validName is validateClientName of Redis's networking.c.
func validName(name []byte) bool {
	for _, c := range name {
		if c < '!' || c > '~' {
			return false
		}
	}
	return true
}
