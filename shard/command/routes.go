package command

import (
	"slices"
	"strings"
)

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
	whyOwn      = "not supported here: it needs a connection of its own"
	whyAdmin    = "not supported through a sharded pool: it manages one server; connect to that server"
	whyCluster  = "not supported through a sharded pool: its shards are not a Redis Cluster"
	whyHidden   = "not supported through a sharded pool: its description does not say where all its keys are"
	whyKeyless  = "not supported through a sharded pool: it names no key that says which shard should answer"
	whyStream   = "not supported through a sharded pool: it shows what one server does; connect to that server"
	whyPatterns = "not supported through a sharded pool with a BY or GET pattern: the keys that match may be on other shards"
)

// classify routes a command that has no row, by what the server says of it. So
// every command with one key, and those whose keys must share a shard, need none;
// and the commands of newer servers and of modules are routed too.
func (c *Command) classify() {
	switch {
	case c.Flags&PubSub != 0 || c.Flags&Blocking != 0:
		c.Route = Own
		c.reason = "ERR shardring: '" + c.Name + "' is " + whyOwn
	case c.Flags&Admin != 0:
		c.refuse(whyAdmin)
	case c.hidesKeys():
		c.refuse(whyHidden)
	case c.mayHaveKeys():
		c.Route = Single
	case c.classifyByPolicy():
	default:
		c.refuse(whyKeyless)
	}
}

// classifyByPolicy routes a command without keys by its tips for proxies
// (https://redis.io/docs/latest/develop/reference/command-tips/). It returns false
// if they do not send it to all shards.
func (c *Command) classifyByPolicy() bool {
	request, response := "", ""
	for _, tip := range c.Tips {
		if v, ok := strings.CutPrefix(tip, "request_policy:"); ok {
			request = v
		}
		if v, ok := strings.CutPrefix(tip, "response_policy:"); ok {
			response = v
		}
	}
	if request != "all_shards" && request != "all_nodes" {
		return false
	}
	c.Route = All
	switch response {
	case "one_succeeded":
		c.Merge = AnyOK
	case "all_succeeded":
		c.Merge = First
	case "agg_sum":
		c.Merge = Sum
	case "agg_min":
		c.Merge = Min
	case "agg_max":
		c.Merge = Max
	default:
		c.Merge = ByShard
	}
	return true
}

// apply routes a command by its row.
func (c *Command) apply(row *override) {
	if row.route == Refused {
		c.refuse(row.why)
		return
	}
	c.Route, c.Merge, c.pairs, c.stand = row.route, row.merge, row.pairs, row.stand
	if row.route == Own {
		c.reason = "ERR shardring: '" + c.Name + "' is " + whyOwn
	}
	if row.when != nil {
		variant := *c
		variant.apply(row.then)
		c.when, c.then = row.when, &variant
	}
}

func (c *Command) refuse(why string) {
	c.Route, c.Merge, c.refusal = Refused, None, why
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
	{name: "xread", route: Single, when: blocks, then: &override{route: Own, why: "it waits"}, why: "waits only with BLOCK"},
	{name: "xreadgroup", route: Single, when: blocks, then: &override{route: Own, why: "it waits"}, why: "waits only with BLOCK"},
	{name: "migrate", route: Refused, why: "not supported through a sharded pool: it takes keys away from the shard that owns them"},

	// One shard by its keys, or by the script when it has none.
	{name: "eval", route: Single, stand: scriptDigest, why: "the script's SHA-1, so that EVALSHA finds what EVAL loaded"},
	{name: "eval_ro", route: Single, stand: scriptDigest, why: "as EVAL"},
	{name: "evalsha", route: Single, stand: firstArgument, why: "the same SHA-1 as EVAL's"},
	{name: "evalsha_ro", route: Single, stand: firstArgument, why: "as EVALSHA"},
	{name: "fcall", route: Single, stand: firstArgument, why: "the function's name"},
	{name: "fcall_ro", route: Single, stand: firstArgument, why: "as FCALL"},

	// The shard of the channel, whose name stands for a key.
	{name: "publish", route: Single, stand: channel, why: "subscribers listen there"},
	{name: "spublish", route: Single, stand: channel, why: "as PUBLISH"},

	// A connection of its own: the server keeps something for it.
	{name: "multi", route: Own, why: "a transaction, on one shard"},
	{name: "exec", route: Own, why: "as MULTI"},
	{name: "discard", route: Own, why: "as MULTI"},
	{name: "watch", route: Own, why: "as MULTI"},
	{name: "unwatch", route: Own, why: "as MULTI"},
	{name: "wait", route: Own, merge: Min, why: "it waits, for what the session wrote; each shard counts its own replicas"},

	// Every shard.
	{name: "dbsize", route: All, merge: Sum, why: "each key is on one shard"},
	{name: "flushall", route: All, merge: AllOK, why: "the pool is one keyspace"},
	{name: "flushdb", route: All, merge: AllOK, why: "the pool is one keyspace"},
	{name: "keys", route: All, merge: Concat, why: "each key is on one shard"},
	{name: "scan", route: All, merge: Scan, why: "each key is on one shard; one shard a call"},
	{name: "info", route: All, merge: InfoText, why: "one text about the pool"},
	{name: "swapdb", route: All, merge: AllOK, why: "as FLUSHALL; not atomic across shards"},
	{name: "randomkey", route: All, merge: RandomKey, why: "each key as likely as any other"},
	{name: "script|load", route: All, merge: First, why: "EVALSHA may go to any shard; the digest is the same everywhere"},
	{name: "script|exists", route: All, merge: AndArray, why: "there only if it is on every shard"},
	{name: "script|flush", route: All, merge: AllOK, why: "as SCRIPT LOAD"},
	{name: "script|kill", route: All, merge: AnyOK, why: "one shard is enough that runs one"},
	{name: "function|delete", route: All, merge: AllOK, why: "as FUNCTION LOAD"},
	{name: "function|flush", route: All, merge: AllOK, why: "as FUNCTION LOAD"},
	{name: "function|kill", route: All, merge: AnyOK, why: "as SCRIPT KILL"},
	{name: "function|load", route: All, merge: First, why: "FCALL may go to any shard"},
	{name: "function|restore", route: All, merge: AllOK, why: "as FUNCTION LOAD"},
	{name: "function|stats", route: All, merge: Running, why: "the functions are the same everywhere, and seldom do two shards run one"},
	{name: "function|dump", route: Single, why: "every shard has the same"},
	{name: "function|list", route: Single, why: "every shard has the same"},
	{name: "pubsub|channels", route: All, merge: Concat, why: "a channel is on one shard"},
	{name: "pubsub|numpat", route: All, merge: Max, why: "a pattern is on every shard"},
	{name: "pubsub|numsub", route: All, merge: SumPairs, why: "a channel is on one shard"},
	{name: "pubsub|shardchannels", route: All, merge: Concat, why: "a channel is on one shard"},
	{name: "pubsub|shardnumsub", route: All, merge: SumPairs, why: "a channel is on one shard"},
	{name: "config|get", route: All, merge: Settings, why: "what CONFIG SET set is the same everywhere; the first shard's, but a proxy's own port"},
	{name: "config|set", route: All, merge: AllOK, why: "the pool is one server to its clients"},
	{name: "config|resetstat", route: All, merge: AllOK, why: "as INFO"},
	{name: "config|rewrite", route: All, merge: AllOK, why: "as CONFIG SET"},
	{name: "slowlog|get", route: All, merge: Slowlog, why: "one log of the pool, in which what all shards were sent is one entry"},
	{name: "slowlog|len", route: All, merge: Sum, why: "entries that the shards keep"},
	{name: "slowlog|reset", route: All, merge: AllOK, why: "as SLOWLOG GET"},
	{name: "latency|doctor", route: All, merge: ByShard, why: "each shard has its own"},
	{name: "latency|graph", route: All, merge: ByShard, why: "each shard has its own"},
	{name: "latency|histogram", route: All, merge: Histogram, why: "one histogram of the pool, in which what all shards were sent is one call"},
	{name: "latency|history", route: All, merge: Concat, why: "one history of the pool"},
	{name: "latency|latest", route: All, merge: Concat, why: "one list of the pool"},
	{name: "latency|reset", route: All, merge: Sum, why: "counts events"},
	{name: "memory|doctor", route: All, merge: ByShard, why: "each shard has its own"},
	{name: "memory|malloc-stats", route: All, merge: ByShard, why: "each shard has its own"},
	{name: "memory|purge", route: All, merge: AllOK, why: "the pool is one server to its clients"},
	{name: "memory|stats", route: All, merge: ByShard, why: "each shard has its own"},
	{name: "lastsave", route: All, merge: Min, why: "all is saved since then"},
	{name: "bgsave", route: All, merge: First, why: "the pool is one server to its clients"},
	{name: "bgrewriteaof", route: All, merge: First, why: "as BGSAVE"},
	{name: "save", route: All, merge: AllOK, why: "as BGSAVE"},
	{name: "lolwut", route: Single, why: "a picture"},

	// Answered without a shard.
	{name: "ping", route: Local, why: "asks whether the session lives"},
	{name: "echo", route: Local, why: "asks whether the session lives"},
	{name: "quit", route: Local, why: "ends the session"},
	{name: "reset", route: Local, why: "the session's state"},
	{name: "auth", route: Local, why: "the session's state"},
	{name: "hello", route: Local, why: "the session's state"},
	{name: "select", route: Local, why: "the session's state"},
	{name: "client", route: Local, why: "clients are the proxy's"},
	{name: "acl", route: Local, why: "users are the proxy's"},
	{name: "command", route: Local, why: "this table"},
	{name: "readonly", route: Local, why: "as in Redis Cluster: what the client reads may come from a replica"},
	{name: "readwrite", route: Local, why: "as in Redis Cluster: it comes from the primary again"},
	{name: "time", route: Local, why: "shards' clocks differ; this one is as good"},

	// Any one server says the same.
	{name: "object|help", route: Single, why: "a fixed text"},
	{name: "memory|help", route: Single, why: "a fixed text"},
	{name: "xgroup|help", route: Single, why: "a fixed text"},
	{name: "xinfo|help", route: Single, why: "a fixed text"},
	{name: "script|help", route: Single, why: "a fixed text"},
	{name: "function|help", route: Single, why: "a fixed text"},
	{name: "pubsub|help", route: Single, why: "a fixed text"},
	{name: "config|help", route: Single, why: "a fixed text"},
	{name: "slowlog|help", route: Single, why: "a fixed text"},
	{name: "latency|help", route: Single, why: "a fixed text"},
	{name: "client|help", route: Single, why: "a fixed text"},
	{name: "command|help", route: Single, why: "a fixed text"},
	{name: "command|getkeysandflags", route: Single, why: "any server knows the flags that depend on arguments"},

	// Refused with a reason of their own.
	{name: "monitor", why: whyStream},
	{name: "sync", why: whyStream},
	{name: "psync", why: whyStream},
	{name: "debug", why: whyAdmin},
	{name: "module", why: whyAdmin},
	{name: "role", why: whyAdmin},
	{name: "cluster", why: whyCluster},
	{name: "asking", why: whyCluster},
	{name: "restore-asking", why: whyCluster},
}

// withNewer adds the subcommands that Redis 7.0 lacks and that clients send on
// connect: refused, each connection would begin with an error.
func withNewer(infos []Info) []Info {
	newer := map[string][]Info{
		"client": {{
			Name: "client|setinfo", Arity: 4, Flags: NoScript | Loading | Stale, Categories: CatSlow | CatConnection,
			Summary: "Sets information specific to the client or connection.", Since: "7.2.0", Group: "connection",
		}, {
			Name: "client|no-touch", Arity: 3, Flags: NoScript | Loading | Stale, Categories: CatSlow | CatConnection,
			Summary: "Controls whether commands sent by the client affect the LRU/LFU of accessed keys.", Since: "7.2.0", Group: "connection",
		}},
	}
	all := make([]Info, len(infos))
	for i, info := range infos {
		if more := newer[info.Name]; more != nil {
			info.Subcommands = slices.Concat(info.Subcommands, more)
		}
		all[i] = info
	}
	return all
}
