package command

// override is our decision about one command, or about every subcommand of a
// container that has no row of its own. A test holds that each row names a
// command that exists, and that the README lists the same routes.
type override struct {
	name  string
	route Route
	merge Merge
	// why is for readers; for Refused it also ends the error that the client gets.
	why   string
	pairs bool // what follows the name comes in pairs: else it is a wrong number of arguments
	// A request for which when holds is planned by the row then.
	when func(a Args) bool
	then *override
	// stand gives what stands for the key when there is none; nil: the command's name.
	stand standInFunc
}

// Why some whole groups are refused.
const (
	whyTransaction = "not supported yet through a sharded pool: a transaction needs a connection of its own"
	whyBlocking    = "not supported yet through a sharded pool: a command that waits needs a connection of its own"
	whyPubSub      = "not supported yet through a sharded pool: a subscriber needs a connection of its own"
	whyGather      = "not supported yet through a sharded pool: every shard would have to be asked"
	whyAdmin       = "not supported through a sharded pool: it manages one server; connect to that server"
	whyCluster     = "not supported through a sharded pool: its shards are not a Redis Cluster"
	whyHidden      = "not supported through a sharded pool: its description does not say where all its keys are"
	whyKeyless     = "not supported through a sharded pool: it names no key that says which shard should answer"
	whySession     = "not supported yet through a sharded pool: its clients share the connections to the shards"
	whyDatabases   = "not supported yet through a sharded pool: its clients use one database"
	whyPatterns    = "not supported yet through a sharded pool with a BY or GET pattern: the keys that match may be on other shards"
)

// classify routes a command that has no row, by what the server says of it. So
// every command with one key, and those whose keys must share a shard, need none;
// and the commands of newer servers and of modules are routed too.
func (c *Command) classify() {
	switch {
	case c.Flags&PubSub != 0:
		c.refuse(whyPubSub)
	case c.Flags&Blocking != 0:
		c.refuse(whyBlocking)
	case c.Flags&Admin != 0:
		c.refuse(whyAdmin)
	case c.hidesKeys():
		c.refuse(whyHidden)
	case c.mayHaveKeys():
		c.Route = Single
	default:
		c.refuse(whyKeyless)
	}
}

// apply routes a command by its row.
func (c *Command) apply(row *override) {
	if row.route == Refused {
		c.refuse(row.why)
		return
	}
	c.Route, c.Merge, c.pairs, c.stand = row.route, row.merge, row.pairs, row.stand
	if row.when != nil {
		variant := *c
		variant.apply(row.then)
		c.when, c.then = row.when, &variant
	}
}

func (c *Command) refuse(why string) {
	c.Route, c.Merge = Refused, None
	c.reason = "ERR shardring: '" + c.Name + "' is " + why
}

// overrides is the routing that classify does not give.
var overrides = []override{
	// Keys on several shards, exactly and in one reply.
	{name: "mget", route: Split, merge: GatherArray, why: "each element belongs to one key"},
	{name: "mset", route: Split, merge: AllOK, pairs: true, why: "each pair stands alone; not atomic across shards"},
	{name: "del", route: Split, merge: Sum, why: "counts keys"},
	{name: "unlink", route: Split, merge: Sum, why: "counts keys"},
	{name: "exists", route: Split, merge: Sum, why: "counts keys, each as often as it is named"},
	{name: "touch", route: Split, merge: Sum, why: "counts keys"},

	// One shard, with something to look at first.
	{name: "msetnx", route: Single, pairs: true, why: "all or nothing, so on one shard only"},
	{name: "sort", route: Single, when: sortsByOtherKeys, then: &override{why: whyPatterns}, why: "STORE may name a second key"},
	{name: "sort_ro", route: Single, when: sortsByOtherKeys, then: &override{why: whyPatterns}, why: "as SORT"},
	{name: "xread", route: Single, when: blocks, then: &override{why: whyBlocking}, why: "waits only with BLOCK"},
	{name: "xreadgroup", route: Single, when: blocks, then: &override{why: whyBlocking}, why: "waits only with BLOCK"},
	{name: "copy", route: Single, when: copiesToDatabase, then: &override{why: whyDatabases}, why: "within the database"},
	{name: "migrate", route: Refused, why: "not supported through a sharded pool: it takes keys away from the shard that owns them"},

	// One shard by its keys, or by the script when it has none.
	{name: "eval", route: Single, stand: scriptDigest, why: "the script's SHA-1, so that EVALSHA finds what EVAL loaded"},
	{name: "eval_ro", route: Single, stand: scriptDigest, why: "as EVAL"},
	{name: "evalsha", route: Single, stand: firstArgument, why: "the same SHA-1 as EVAL's"},
	{name: "evalsha_ro", route: Single, stand: firstArgument, why: "as EVALSHA"},
	{name: "fcall", route: Single, stand: firstArgument, why: "the function's name"},
	{name: "fcall_ro", route: Single, stand: firstArgument, why: "as FCALL"},

	// Any one server says the same.
	{name: "object|help", route: Single, why: "a fixed text"},
	{name: "memory|help", route: Single, why: "a fixed text"},
	{name: "xgroup|help", route: Single, why: "a fixed text"},
	{name: "xinfo|help", route: Single, why: "a fixed text"},
	{name: "script|help", route: Single, why: "a fixed text"},
	{name: "command|help", route: Single, why: "a fixed text"},
	{name: "command|getkeysandflags", route: Single, why: "any server knows the flags that depend on arguments"},

	// Every shard.
	{name: "dbsize", route: All, merge: Sum, why: "each key is on one shard"},
	{name: "flushall", route: All, merge: AllOK, why: "the pool is one keyspace"},
	{name: "flushdb", route: All, merge: AllOK, why: "the pool is one keyspace"},
	{name: "keys", route: All, merge: Concat, why: "each key is on one shard"},
	{name: "scan", route: All, merge: Scan, why: "each key is on one shard; one shard a call"},
	{name: "info", route: All, merge: InfoText, why: "one text about the pool"},
	{name: "script|load", route: All, merge: First, why: "EVALSHA may go to any shard; the digest is the same everywhere"},
	{name: "script|exists", route: All, merge: AndArray, why: "there only if it is on every shard"},
	{name: "script|flush", route: All, merge: AllOK, why: "as SCRIPT LOAD"},

	// Answered without a shard.
	{name: "ping", route: Local, why: "asks whether the session lives"},
	{name: "echo", route: Local, why: "asks whether the session lives"},
	{name: "quit", route: Local, why: "ends the session"},
	{name: "reset", route: Local, why: "the session's state"},
	{name: "auth", route: Local, why: "the session's state"},
	{name: "hello", route: Local, why: "the session's state"},
	{name: "select", route: Local, why: "the session's state; the pool's own database only"},
	{name: "client|getname", route: Local, why: "the session's state"},
	{name: "client|setname", route: Local, why: "the session's state; clients send it on connect"},
	{name: "client|setinfo", route: Local, why: "the session's state; clients send it on connect"},
	{name: "client|id", route: Local, why: "the session's state"},
	{name: "command", route: Local, why: "this table"},
	{name: "config|get", route: Local, why: "redis-benchmark asks for two settings before it starts"},
	{name: "readonly", route: Local, why: "Redis Cluster's clients send it; nothing to switch"},
	{name: "readwrite", route: Local, why: "as READONLY"},
	{name: "time", route: Local, why: "shards' clocks differ; this one is as good"},

	// Refused with a reason of their own.
	{name: "multi", why: whyTransaction},
	{name: "exec", why: whyTransaction},
	{name: "discard", why: whyTransaction},
	{name: "watch", why: whyTransaction},
	{name: "unwatch", why: whyTransaction},
	{name: "wait", why: whySession},
	{name: "client", why: whySession},
	{name: "script", why: whyGather},
	{name: "function", why: whyGather},
	{name: "randomkey", why: whyGather},
	{name: "lastsave", why: whyGather},
	{name: "latency", why: whyGather},
	{name: "slowlog", why: whyGather},
	{name: "memory|doctor", why: whyGather},
	{name: "memory|malloc-stats", why: whyGather},
	{name: "memory|purge", why: whyGather},
	{name: "memory|stats", why: whyGather},
	{name: "lolwut", why: whyKeyless},
	{name: "acl", why: whyAdmin},
	{name: "config", why: whyAdmin},
	{name: "debug", why: whyAdmin},
	{name: "module", why: whyAdmin},
	{name: "role", why: whyAdmin},
	{name: "swapdb", why: whyDatabases},
	{name: "move", why: whyDatabases},
	{name: "cluster", why: whyCluster},
	{name: "asking", why: whyCluster},
	{name: "restore-asking", why: whyCluster},
}

// withNewer adds the subcommands that Redis 7.0 lacks and that clients send on
// connect: refused, each connection would begin with an error.
func withNewer(infos []Info) []Info {
	newer := map[string]Info{
		"client": {
			Name: "client|setinfo", Arity: 4, Flags: NoScript | Loading | Stale, Categories: CatSlow | CatConnection,
			Summary: "Sets information specific to the client or connection.", Since: "7.2.0", Group: "connection",
		},
	}
	all := make([]Info, len(infos))
	for i, info := range infos {
		if sub, ok := newer[info.Name]; ok {
			info.Subcommands = append(info.Subcommands[:len(info.Subcommands):len(info.Subcommands)], sub)
		}
		all[i] = info
	}
	return all
}
