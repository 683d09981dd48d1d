package command

import "strings"

// Flags are a command's properties; the bits stand in the order in which
// COMMAND prints their names.
type Flags uint32

// The flags of https://redis.io/docs/latest/commands/command/#flags.
const (
	Write Flags = 1 << iota
	ReadOnly
	DenyOOM
	Module
	Admin
	PubSub
	NoScript
	Blocking
	Loading
	Stale
	SkipMonitor
	SkipSlowlog
	Asking
	Fast
	NoAuth
	NoMandatoryKeys
	NoAsyncLoading
	NoMulti
	MovableKeys
	AllowBusy
)

var flagNames = [...]string{
	"write", "readonly", "denyoom", "module", "admin", "pubsub", "noscript", "blocking", "loading", "stale",
	"skip_monitor", "skip_slowlog", "asking", "fast", "no_auth", "no_mandatory_keys", "no_async_loading",
	"no_multi", "movablekeys", "allow_busy",
}

// String returns the names with a space between them.
func (f Flags) String() string { return strings.Join(bitNames(uint32(f), flagNames[:]), " ") }

// Categories are the ACL categories a command belongs to.
type Categories uint32

// The categories of https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/.
const (
	CatKeyspace Categories = 1 << iota
	CatRead
	CatWrite
	CatSet
	CatSortedset
	CatList
	CatHash
	CatString
	CatBitmap
	CatHyperloglog
	CatGeo
	CatStream
	CatPubsub
	CatAdmin
	CatFast
	CatSlow
	CatBlocking
	CatDangerous
	CatConnection
	CatTransaction
	CatScripting
)

var categoryNames = [...]string{
	"@keyspace", "@read", "@write", "@set", "@sortedset", "@list", "@hash", "@string", "@bitmap", "@hyperloglog",
	"@geo", "@stream", "@pubsub", "@admin", "@fast", "@slow", "@blocking", "@dangerous", "@connection",
	"@transaction", "@scripting",
}

// String returns the names with a space between them.
func (c Categories) String() string {
	return strings.Join(bitNames(uint32(c), categoryNames[:]), " ")
}

// Category returns the category of that name, in any case and without the "@", or
// 0 if there is none.
func Category(name string) Categories {
	return Categories(bitOf("@"+Lower(name), categoryNames[:]))
}

// KeyFlags say how a command uses the keys of one key specification.
type KeyFlags uint32

// The flags of https://redis.io/docs/latest/develop/reference/key-specs/#key-specification-flags.
const (
	KeyRO KeyFlags = 1 << iota
	KeyRW
	KeyOW
	KeyRM
	KeyAccess
	KeyUpdate
	KeyInsert
	KeyDelete
	KeyNotKey        // hashed like a key, but none: a shard channel
	KeyIncomplete    // the specification may miss keys
	KeyVariableFlags // the flags depend on the arguments
)

var keyFlagNames = [...]string{
	"RO", "RW", "OW", "RM", "access", "update", "insert", "delete", "not_key", "incomplete", "variable_flags",
}

// String returns the names with a space between them.
func (f KeyFlags) String() string { return strings.Join(bitNames(uint32(f), keyFlagNames[:]), " ") }

// bitNames returns the names of the bits that are set, lowest bit first.
func bitNames(bits uint32, names []string) []string {
	var set []string
	for i, name := range names {
		if bits&(1<<i) != 0 {
			set = append(set, name)
		}
	}
	return set
}

// bitOf returns the bit of a name, or 0 for a name this table does not know.
func bitOf(name string, names []string) uint32 {
	for i, n := range names {
		if n == name {
			return 1 << i
		}
	}
	return 0
}
