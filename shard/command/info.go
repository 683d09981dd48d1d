package command

// Info is what a Redis server says of one command in its COMMAND and COMMAND
// DOCS replies (https://redis.io/docs/latest/commands/command/): facts of Redis,
// with no decision of ours in them.
type Info struct {
	Name       string // lower case; "config|get" for a subcommand
	Arity      int    // arguments with the name: exactly n, or at least -n when negative
	Flags      Flags
	FirstKey   int // the old positions of keys, as COMMAND prints them; Keys uses Specs
	LastKey    int
	KeyStep    int
	Categories Categories
	Tips       []string // hints for clients and proxies: "request_policy:all_shards"
	Specs      []KeySpec
	// Subcommands is sorted by name. A command that has any is a container.
	Subcommands []Info

	// From COMMAND DOCS; empty if the command was learned from COMMAND alone.
	Summary string
	Since   string // the version of Redis that brought it
	Group   string
}

// KeySpec says where some of a command's keys are: Begin finds the first one,
// Find the others from there. https://redis.io/docs/latest/develop/reference/key-specs/
type KeySpec struct {
	Notes string
	Flags KeyFlags
	Begin BeginSearch
	Find  FindKeys
}

// BeginSearch finds the argument where a key specification starts.
type BeginSearch struct {
	Kind      BeginKind
	Index     int    // BeginIndex: the argument's position
	Keyword   string // BeginKeyword: the argument after this word
	StartFrom int    // BeginKeyword: where to look first; negative counts from the end, and backwards
}

// BeginKind is how a BeginSearch finds its argument.
type BeginKind uint8

// The ways to begin; the zero value is for keys that cannot be described.
const (
	BeginUnknown BeginKind = iota
	BeginIndex
	BeginKeyword
)

// FindKeys finds the keys from the argument where the search began.
type FindKeys struct {
	Kind      FindKind
	LastKey   int // FindRange: last key after the first; negative counts from the end
	Limit     int // FindRange with LastKey -1: keys are the first 1/Limit of what is left
	KeyNumIdx int // FindKeyNum: where the number of keys is, after the beginning
	FirstKey  int // FindKeyNum: where the first key is, after the beginning
	KeyStep   int // both: distance between two keys
}

// FindKind is how a FindKeys finds its keys.
type FindKind uint8

// The ways to find; the zero value is for keys that cannot be described.
const (
	FindUnknown FindKind = iota
	FindRange
	FindKeyNum
)

// names of the kinds in COMMAND's reply.
var (
	beginNames = [...]string{BeginUnknown: "unknown", BeginIndex: "index", BeginKeyword: "keyword"}
	findNames  = [...]string{FindUnknown: "unknown", FindRange: "range", FindKeyNum: "keynum"}
)

// String returns the kind's name in COMMAND's reply.
func (k BeginKind) String() string { return nameAt(beginNames[:], int(k)) }

// String returns the kind's name in COMMAND's reply.
func (k FindKind) String() string { return nameAt(findNames[:], int(k)) }

func nameAt(names []string, i int) string {
	if i >= len(names) {
		return "unknown"
	}
	return names[i]
}
