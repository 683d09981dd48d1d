package command

// Command is one command, or one subcommand of a container, with its route. It
// belongs to a Table and is never written to after the table was built.
type Command struct {
	Info

	Route Route
	Merge Merge // for Split and All; None otherwise
	// KeyPos is the position of the command's key if it always has exactly one
	// and always there: Keys then need not be asked. 0 otherwise. It is in range
	// for every request that Resolve accepts.
	KeyPos int
	// Whole says that where there is one shard only, the request goes there as it
	// is, although it is for all shards, or refused where there are several.
	Whole bool

	id          int
	subcommands []*Command
	reason      string
	refusal     string // of a Refused one: why
	pairs       bool
	when        func(Args) bool // requests that then plans; nil: none
	then        *Command
	stand       standInFunc
	search      *search
	variable    variableFunc
	numkeys     *numkeysErrors
}

// Route says who answers a request.
type Route uint8

// The routes. The zero value refuses, so that a command nobody thought of does
// no harm.
const (
	Refused Route = iota // nobody: the reply is Reason
	Single               // the shard of its keys, which must all be on one; without keys, of its StandIn
	Split                // each shard the part with its own keys, the replies put together by Merge
	All                  // every shard, the replies put together by Merge
	Local                // the proxy or the client itself
	Own                  // the shard of its keys, or those of its channels, on a connection that serves one client only
)

var routeNames = [...]string{Refused: "refused", Single: "single", Split: "split", All: "all", Local: "local", Own: "own"}

// String returns the route's name in lower case.
func (r Route) String() string { return nameAt(routeNames[:], int(r)) }

// Merge says how the shards' replies become one. If a shard's reply is an error,
// or there is none, the merged reply is an error that names the shard.
type Merge uint8

// The ways to merge.
const (
	None        Merge = iota
	GatherArray       // arrays: each element goes where its key stood in the request
	Sum               // integers: their sum
	AllOK             // +OK when every shard says so
	First             // every shard says the same: the first reply
	AndArray          // arrays of 0 and 1, of one length: the logical and, element by element
	Concat            // arrays: one after another
	Scan              // SCAN: one shard at a time, the cursor carries which
	InfoText          // INFO: sections merged field by field
	Min               // integers: the smallest
	Max               // integers: the largest
	AnyOK             // the first reply that is no error; if all are, the first that says more than NOTBUSY
	SumPairs          // arrays of names and integers in turn, the same names in each: the sums
	RandomKey         // RANDOMKEY: the key of one shard, in proportion to DBSIZE
	Slowlog           // SLOWLOG GET: the newest of all
	ByShard           // whatever they are: a map from the shard's name to its reply
	Running           // FUNCTION STATS: of a shard that runs something, else the first
	Histogram         // LATENCY HISTOGRAM: the sums
	Settings          // CONFIG GET: as First; a proxy knows better where it listens
)

var mergeNames = [...]string{
	None: "none", GatherArray: "gather array", Sum: "sum", AllOK: "all ok", First: "first",
	AndArray: "and array", Concat: "concat", Scan: "scan", InfoText: "info text",
	Min: "min", Max: "max", AnyOK: "any ok", SumPairs: "sum pairs", RandomKey: "random key", Slowlog: "slow log", ByShard: "by shard", Running: "running", Histogram: "histogram", Settings: "settings",
}

// String returns the way's name in lower case.
func (m Merge) String() string { return nameAt(mergeNames[:], int(m)) }

// Error is the text of an error reply, code first, without the leading "-" and
// with no line break in it.
type Error string

// Error returns the text.
func (e Error) Error() string { return string(e) }

// CrossShard answers a Single request whose keys are on different shards. It is
// what Redis Cluster says, which clients know.
const CrossShard Error = "CROSSSLOT Keys in request don't hash to the same shard"

// Reason returns the error reply of a Refused command; of an Own one, the reply of
// who has no connection to give. "" for any other.
func (c *Command) Reason() Error { return Error(c.reason) }

// Step returns the distance between two keys of a Split command: 2 for MSET,
// whose keys carry a value each, else 1. Keys and what belongs to them are the
// rest of the request, from the first key on.
func (c *Command) Step() int {
	if len(c.Specs) == 0 {
		return 1
	}
	return max(1, c.Specs[0].Find.KeyStep)
}

// ID returns the command's place in its Table's All, from 0: small numbers without
// gaps, for sets of commands. It means nothing in another table.
func (c *Command) ID() int { return c.id }

// Subcommand returns the subcommand of that name, in any case, or nil.
func (c *Command) Subcommand(name []byte) *Command {
	for _, sub := range c.subcommands {
		if equalFold(name, sub.Name[len(c.Name)+1:]) {
			return sub
		}
	}
	return nil
}

// accepts reports whether the command takes n arguments, its name among them.
func (c *Command) accepts(n int) bool {
	return c.acceptsArity(n) && !(c.pairs && n%2 == 0)
}

// acceptsArity is what Redis checks before it calls the command.
func (c *Command) acceptsArity(n int) bool {
	if c.Arity >= 0 {
		return n == c.Arity
	}
	return n >= -c.Arity
}

// mayHaveKeys reports whether some request of the command has keys.
func (c *Command) mayHaveKeys() bool {
	for i := range c.Specs {
		if c.Specs[i].Flags&KeyNotKey == 0 {
			return true
		}
	}
	return false
}

// hidesKeys reports whether some key of the command cannot be found: it must not
// be taken for a request without keys.
func (c *Command) hidesKeys() bool {
	if c.search != nil {
		return false
	}
	for i := range c.Specs {
		spec := &c.Specs[i]
		if spec.Begin.Kind == BeginUnknown || spec.Find.Kind == FindUnknown || spec.Flags&KeyIncomplete != 0 {
			return true
		}
	}
	return false
}
