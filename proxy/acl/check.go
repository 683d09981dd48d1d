package acl

import (
	"github.com/shardring/shardring/shard/command"
)

// Scratch is what one goroutine keeps between calls of Check, so that they
// allocate nothing. The zero Scratch is ready.
type Scratch struct {
	keys []command.KeyUse
}

// What a client is told whose user may not do what it asks, as Redis says it.
const (
	errKeys     command.Error = "NOPERM this user has no permissions to access one of the keys used as arguments"
	errChannels command.Error = "NOPERM this user has no permissions to access one of the channels used as arguments"
)

// Check returns nil if the user may do this, else a command.Error with the text
// that Redis gives: NOPERM, for the command, for a key or for a channel. cmd is
// what the built-in table resolved the request to. Redis checks right after that,
// before anything else that the request may be refused for.
func (u *User) Check(cmd *command.Command, a command.Args, scratch *Scratch) error {
	if u.unlimited {
		return nil
	}
	switch v := u.check(cmd, a, scratch); v.denied {
	case nothing:
		if cmd.Name == "sort" || cmd.Name == "sort_ro" {
			return u.checkSort(cmd, a, scratch)
		}
		return nil
	case aKey:
		return errKeys
	case aChannel:
		return errChannels
	default:
		return command.Error("NOPERM this user has no permissions to run the '" + cmd.Name + "' command")
	}
}

// verdict is the outcome of a check.
type verdict struct {
	denied denial
	at     int // the position of the key or channel that is denied
}

// denial is what may not be used; a later one is told rather than an earlier.
type denial uint8

const (
	nothing denial = iota
	theCommand
	aKey
	aChannel
)

// String returns what is denied.
func (d denial) String() string {
	return [...]string{nothing: "nothing", theCommand: "the command", aKey: "a key", aChannel: "a channel"}[d]
}

// check asks the selectors in turn. When all deny, it tells what came furthest: it
// is ACLCheckAllUserCommandPerm of Redis's acl.c.
func (u *User) check(cmd *command.Command, a command.Args, scratch *Scratch) verdict {
	worst := verdict{denied: theCommand}
	found := false // the keys are in scratch
	for i := range u.selectors {
		s := &u.selectors[i]
		v := verdict{denied: theCommand}
		if s.allows(cmd, a) {
			if !s.allKeys && !found {
				scratch.keys, found = cmd.KeyUses(scratch.keys[:0], a), true
			}
			v = s.checkArguments(cmd, a, scratch.keys)
		}
		if v.denied == nothing {
			return v
		}
		if v.denied > worst.denied || v.denied == worst.denied && v.at > worst.at {
			worst = v
		}
	}
	return worst
}

// allows reports whether the command is one that the selector allows, whatever
// its keys. AUTH, HELLO, QUIT and RESET always are.
func (s *selector) allows(cmd *command.Command, a command.Args) bool {
	if s.all || cmd.Flags&command.NoAuth != 0 || s.commands.has(cmd.ID()) {
		return true
	}
	if s.firstArgs != nil && a.Len() > 1 {
		for _, arg := range s.firstArgs[cmd.ID()] {
			if command.IsKeyword(a.At(1), arg) {
				return true
			}
		}
	}
	return false
}

// checkArguments checks the request's keys, and then its channels.
func (s *selector) checkArguments(cmd *command.Command, a command.Args, keys []command.KeyUse) verdict {
	if !s.allKeys {
		for _, k := range keys {
			if !s.allowsKey(a.At(k.Pos), k.Flags) {
				return verdict{aKey, k.Pos}
			}
		}
	}
	if !s.allChannels && cmd.Flags&command.PubSub != 0 {
		first, last, literal := channels(cmd, a)
		for i := first; i <= last; i++ {
			if !s.allowsChannel(a.At(i), literal) {
				return verdict{aChannel, i}
			}
		}
	}
	return verdict{}
}

// allowsKey is ACLSelectorCheckKey of Redis's acl.c. A command that only looks
// whether a key exists neither reads nor writes it: any pattern allows that.
func (s *selector) allowsKey(key []byte, use command.KeyFlags) bool {
	var need access
	if use&command.KeyAccess != 0 {
		need |= reads
	}
	if use&(command.KeyInsert|command.KeyDelete|command.KeyUpdate) != 0 {
		need |= writes
	}
	for i := range s.keys {
		k := &s.keys[i]
		if k.access&need == need && command.MatchGlob(k.pattern, key) {
			return true
		}
	}
	return false
}

// allowsChannel matches a channel's name with the patterns. What is a pattern
// itself must be one of them, letter by letter.
func (s *selector) allowsChannel(channel []byte, literal bool) bool {
	for _, pattern := range s.channels {
		if literal && string(channel) == pattern || !literal && command.MatchGlob(pattern, channel) {
			return true
		}
	}
	return false
}

// channels returns the positions of the channels that a request publishes or
// subscribes to, last < first if there are none. Leaving a channel is free.
func channels(cmd *command.Command, a command.Args) (first, last int, literal bool) {
	switch cmd.Name {
	case "publish", "spublish":
		return 1, 1, false
	case "subscribe", "ssubscribe":
		return 1, a.Len() - 1, false
	case "psubscribe":
		return 1, a.Len() - 1, true
	}
	return 1, 0, false
}
