package acl

import (
	"strings"

	"github.com/shardring/shardring/shard/command"
)

// commandSet is a set of commands of one table, by their IDs.
type commandSet []uint64

func newCommandSet(table *command.Table) commandSet {
	n := 0
	for range table.All() {
		n++
	}
	return make(commandSet, (n+63)/64)
}

// has reports whether the command of that ID is in the set: one from a larger
// table is not.
func (s commandSet) has(id int) bool {
	return id>>6 < len(s) && s[id>>6]>>(id&63)&1 != 0
}

func (s commandSet) put(id int, in bool) {
	if in {
		s[id>>6] |= 1 << (id & 63)
	} else {
		s[id>>6] &^= 1 << (id & 63)
	}
}

func (s commandSet) fill(in bool) {
	for i := range s {
		s[i] = 0
		if in {
			s[i]--
		}
	}
}

// category is one of the names after "@".
type category struct {
	name string
	bit  command.Categories
}

// categories are all of them but "all", in Redis's order; nothing writes to it.
var categories = func() (all []category) {
	for bit := command.Categories(1); bit.String() != ""; bit <<= 1 {
		all = append(all, category{strings.TrimPrefix(bit.String(), "@"), bit})
	}
	return all
}()
