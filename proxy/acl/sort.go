package acl

import (
	"bytes"

	"github.com/shardring/shardring/shard/command"
)

// The errors are those of Redis's sort.c.
const (
	errSortBy  command.Error = "ERR BY option of SORT denied due to insufficient ACL permissions."
	errSortGet command.Error = "ERR GET option of SORT denied due to insufficient ACL permissions."
)

// checkSort is what SORT and SORT_RO check beyond their keys: GET, and BY with a
// pattern, read keys that the request does not name, so they are for who may read all.
func (u *User) checkSort(cmd *command.Command, a command.Args, scratch *Scratch) error {
	for i := 2; i < a.Len(); i++ {
		switch option, more := a.At(i), i+1 < a.Len(); {
		case command.IsKeyword(option, "limit"):
			i += 2
		case command.IsKeyword(option, "store"):
			i++
		case command.IsKeyword(option, "by") && more:
			i++
			if bytes.IndexByte(a.At(i), '*') >= 0 && !u.readsAll(cmd, a, scratch) {
				return errSortBy
			}
		case command.IsKeyword(option, "get") && more:
			if !u.readsAll(cmd, a, scratch) {
				return errSortGet
			}
			i++
		}
	}
	return nil
}

// readsAll reports whether a selector that allows the request allows to read any key.
// It is ACLUserCheckCmdWithUnrestrictedKeyAccess of Redis's acl.c.
func (u *User) readsAll(cmd *command.Command, a command.Args, scratch *Scratch) bool {
	for i := range u.selectors {
		s := &u.selectors[i]
		if !s.readsAll() || !s.allows(cmd, a) {
			continue
		}
		scratch.keys = cmd.KeyUses(scratch.keys[:0], a)
		if s.checkArguments(cmd, a, scratch.keys).denied == nothing {
			return true
		}
	}
	return false
}

func (s *selector) readsAll() bool {
	if s.allKeys {
		return true
	}
	for _, k := range s.keys {
		if k.access&reads != 0 && k.pattern == "*" {
			return true
		}
	}
	return false
}
