package session

import (
	"slices"
	"strconv"
	"strings"

	"github.com/shardring/shardring/proxy/acl"
	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/resp"
)

// The subcommands of CLIENT are about the proxy's clients, of the same pool. Texts
// and order of checks are those of Redis's networking.c.

const (
	errSyntax  command.Error = "ERR syntax error"
	errInteger command.Error = "ERR value is not an integer or out of range"
)

// clientCommands take a request apart and answer it, now or when all loops have
// said what they know.
var clientCommands = map[string]func(s *Session, a *arguments) error{
	"client|id":       (*Session).clientID,
	"client|getname":  (*Session).clientGetName,
	"client|setname":  (*Session).clientSetName,
	"client|setinfo":  (*Session).clientSetInfo,
	"client|info":     (*Session).clientInfo,
	"client|list":     (*Session).clientList,
	"client|kill":     (*Session).clientKill,
	"client|reply":    (*Session).clientReply,
	"client|no-evict": (*Session).clientOnOff,
	"client|no-touch": (*Session).clientOnOff,
	"client|pause":    (*Session).clientPause,
	"client|unpause":  (*Session).clientUnpause,
	"client|unblock":  (*Session).clientUnblock,
	"client|caching":  (*Session).clientCaching,
	"client|getredir": (*Session).clientGetRedir,

	"client|trackinginfo": (*Session).clientTrackingInfo,
}

// client handles a subcommand of CLIENT.
func (s *Session) client(cmd *command.Command, a *arguments) {
	f := clientCommands[cmd.Name]
	if f == nil {
		s.refuse(command.Error("ERR shardring: '" + cmd.Name + "' is not supported yet"))
		return
	}
	if err := f(s, a); err != nil {
		s.refuse(err)
	}
}

func (s *Session) clientID(*arguments) error {
	s.begin().finish(resp.AppendInt(nil, int64(s.id)))
	return nil
}

func (s *Session) clientGetName(*arguments) error {
	if s.who == nil || s.who.name == "" {
		s.begin().finish(s.appendNull(nil))
	} else {
		s.begin().finish(resp.AppendBulk(nil, s.who.name))
	}
	return nil
}

func (s *Session) clientSetName(a *arguments) error {
	if !validName(a.At(2)) {
		return badName
	}
	s.identify().name = string(a.At(2))
	s.begin().finish(okReply)
	return nil
}

const badName command.Error = "ERR Client names cannot contain spaces, newlines or special characters."

// clientSetInfo takes CLIENT SETINFO LIB-NAME|LIB-VER value.
func (s *Session) clientSetInfo(a *arguments) error {
	field := strings.ToLower(string(a.At(2)))
	if field != "lib-name" && field != "lib-ver" {
		return command.Error("ERR Unrecognized option '" + string(a.At(2)) + "'")
	}
	if !validName(a.At(3)) {
		return command.Error("ERR " + field + " cannot contain spaces, newlines or special characters.")
	}
	if field == "lib-name" {
		s.identify().lib = string(a.At(3))
	} else {
		s.identify().version = string(a.At(3))
	}
	s.begin().finish(okReply)
	return nil
}

func (s *Session) identify() *identity {
	if s.who == nil {
		s.who = &identity{}
	}
	return s.who
}

// validName is validateClientName of Redis's networking.c.
func validName(name []byte) bool {
	for _, c := range name {
		if c < '!' || c > '~' {
			return false
		}
	}
	return true
}

func (s *Session) clientInfo(a *arguments) error {
	s.begin().finish(s.appendText(nil, s.describe(len(a.frame))))
	return nil
}

// clientList takes CLIENT LIST [TYPE type | ID id …].
func (s *Session) clientList(a *arguments) error {
	f := &filter{}
	switch {
	case a.Len() == 4 && isWord(a.At(2), "type"):
		kind, err := kindOf(a.At(3))
		if err != nil {
			return err
		}
		f.kind = kind
	case a.Len() > 3 && isWord(a.At(2), "id"):
		for i := 3; i < a.Len(); i++ {
			id, err := strconv.ParseUint(string(a.At(i)), 10, 63)
			if err != nil {
				return command.Error("ERR Invalid client ID")
			}
			f.ids = append(f.ids, id)
		}
	case a.Len() != 2:
		return errSyntax
	}
	r, pool, query := s.begin(), s.pool.Name, len(a.frame)
	survey(s.core, func(c *Core) string { return c.list(pool, f, s, query) }, func(texts []string) {
		if r.session == nil {
			r.core.release(r)
			return
		}
		r.finish(r.session.appendText(nil, strings.Join(texts, "")))
	})
	return nil
}

func kindOf(word []byte) (string, error) {
	for _, k := range kinds {
		if isWord(word, k) {
			return k, nil
		}
	}
	return "", command.Error("ERR Unknown client type '" + string(word) + "'")
}

// clientKill takes CLIENT KILL addr and CLIENT KILL option value ….
func (s *Session) clientKill(a *arguments) error {
	f := &filter{not: s.id}
	if a.Len() == 3 {
		f.addr, f.not = string(a.At(2)), 0
	} else if err := f.options(a, s); err != nil {
		return err
	}
	old := a.Len() == 3
	r, pool := s.begin(), s.pool.Name
	survey(s.core, func(c *Core) int { return c.kill(pool, f, s) }, func(counts []int) {
		n := 0
		for _, k := range counts {
			n += k
		}
		switch {
		case !old:
			r.finish(resp.AppendInt(nil, int64(n)))
		case n == 0:
			r.finishError("ERR No such client")
		default:
			r.finish(okReply)
		}
	})
	return nil
}

// options reads those of CLIENT KILL; self is who asks.
func (f *filter) options(a *arguments, self *Session) error {
	for i := 2; i < a.Len(); i += 2 {
		if i+1 == a.Len() {
			return errSyntax
		}
		value := a.At(i + 1)
		switch option := a.At(i); {
		case isWord(option, "id"):
			id, err := strconv.ParseUint(string(value), 10, 63)
			if err != nil || id == 0 {
				return command.Error("ERR client-id should be greater than 0")
			}
			f.ids = append(f.ids[:0], id)
		case isWord(option, "type"):
			kind, err := kindOf(value)
			if err != nil {
				return err
			}
			f.kind = kind
		case isWord(option, "addr"):
			f.addr = string(value)
		case isWord(option, "laddr"):
			f.laddr = string(value)
		case isWord(option, "user"):
			f.user = string(value)
			if !slices.ContainsFunc(self.pool.users.All(), func(u *acl.User) bool { return u.Name() == f.user }) {
				return command.Error("ERR No such user '" + f.user + "'")
			}
		case isWord(option, "skipme") && isWord(value, "yes"):
			f.not = self.id
		case isWord(option, "skipme") && isWord(value, "no"):
			f.not = 0
		default:
			return errSyntax
		}
	}
	return nil
}

// clientReply takes CLIENT REPLY ON|OFF|SKIP. Only ON is answered.
func (s *Session) clientReply(a *arguments) error {
	switch mode := a.At(2); {
	case isWord(mode, "on"):
		s.mute = speaking
		s.begin().finish(okReply)
	case isWord(mode, "off"):
		s.mute = silent
	case isWord(mode, "skip"):
		if s.mute != silent {
			s.mute = skipping
		}
	default:
		return errSyntax
	}
	return nil
}

// muteness says which of a session's requests are answered.
type muteness uint8

const (
	speaking muteness = iota // all
	skipping                 // all but the next
	silent                   // none
)

// clientOnOff takes what only a server could heed.
func (s *Session) clientOnOff(a *arguments) error {
	if !isWord(a.At(2), "on") && !isWord(a.At(2), "off") {
		return errSyntax
	}
	s.begin().finish(okReply)
	return nil
}

// clientUnblock takes CLIENT UNBLOCK id [TIMEOUT|ERROR]: the nodes are asked to,
// where the client waits.
func (s *Session) clientUnblock(a *arguments) error {
	how := "TIMEOUT"
	if a.Len() > 4 {
		return command.Error("ERR wrong number of arguments for 'client|unblock' command")
	}
	if a.Len() == 4 {
		how = strings.ToUpper(string(a.At(3)))
		if how != "TIMEOUT" && how != "ERROR" {
			return command.Error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
		}
	}
	id, err := strconv.ParseInt(string(a.At(2)), 10, 64)
	if err != nil {
		return errInteger
	}
	r, pool := s.begin(), s.pool.Name
	f := &filter{ids: []uint64{uint64(id)}}
	survey(s.core, func(c *Core) bool {
		for _, s := range c.matching(pool, f) {
			return s.unblock(how)
		}
		return false
	}, func(found []bool) {
		n := int64(0)
		for _, ok := range found {
			if ok {
				n = 1
			}
		}
		r.finish(resp.AppendInt(nil, n))
	})
	return nil
}

// unblock has the nodes where the session waits end that, and reports whether it
// waits.
func (s *Session) unblock(how string) bool {
	pr := s.private
	if pr == nil || pr.wait == nil {
		return false
	}
	for _, o := range pr.conns {
		if o.conn.RemoteID == 0 || o.conn.InFlight() == 0 {
			continue
		}
		for i := range s.pool.snap.Shards {
			if !s.pool.is(i, o.key) {
				continue
			}
			u := &unblocking{o: o}
			u.call.To = u
			if conn, q, err := s.pool.beginOn(s.lane.conns[i*s.pool.each], &u.call); err == nil {
				o.unblocks++
				b := resp.AppendRequest(nil, "CLIENT", "UNBLOCK", strconv.FormatInt(o.conn.RemoteID, 10), how)
				conn.Stats.RequestBytes += uint64(len(b))
				q.Append(s.core.buffer, b)
			}
		}
	}
	return true
}

// unblocking is a CLIENT UNBLOCK that a node has yet to answer: until then it may meet
// whoever waits on the connection that it names.
type unblocking struct {
	call backend.Call
	o    *owned
}

func (u *unblocking) Reply(_ *backend.Call, _ []byte, done bool) {
	if done {
		u.o.unblocks--
	}
}

func (u *unblocking) Fail(_ *backend.Call, err *backend.Error) {
	if !err.Sent {
		u.o.unblocks--
	}
}

// isWord compares an argument with a word in lower case.
func isWord(arg []byte, word string) bool {
	return len(arg) == len(word) && strings.EqualFold(string(arg), word)
}
