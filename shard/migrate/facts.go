package migrate

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

// facts are what a node says of itself.
type facts struct {
	err       error
	info      map[string]string
	config    map[string]string // nil: CONFIG is forbidden
	configErr error
	users     map[string]string // rules by name; nil: no ACL
	modules   map[string]string
	functions int
	sentinels int               // connections of Sentinels
	skew      time.Duration     // of its clock, against ours
	denied    map[string]string // commands that the login may not use, see probes
}

// ask gathers the facts of a node.
func (n *node) ask(ctx context.Context) (f facts) {
	if _, f.err = n.do(ctx, "PING"); f.err != nil {
		return f
	}
	if f.info, f.err = n.info(ctx, ""); f.err != nil {
		return f
	}
	f.config, f.configErr = n.settings(ctx, "*")
	f.modules = map[string]string{}
	list, _ := redis.Values(n.do(ctx, "MODULE", "LIST")) // absent: none
	for _, m := range list {
		if kv, err := redis.Values(m, nil); err == nil && len(kv) >= 4 {
			name, _ := redis.String(kv[1], nil)
			version, _ := redis.Int(kv[3], nil)
			f.modules[name] = strconv.Itoa(version)
		}
	}
	libraries, _ := redis.Values(n.do(ctx, "FUNCTION", "LIST"))
	f.functions = len(libraries)
	if lines, err := redis.Strings(n.do(ctx, "ACL", "LIST")); err == nil {
		f.users = map[string]string{}
		for _, l := range lines {
			if name, rules, ok := strings.Cut(strings.TrimPrefix(l, "user "), " "); ok {
				f.users[name] = strings.Replace(rules, " sanitize-payload", "", 1) // the default, not always said
			}
		}
	}
	// A list of all clients would keep the node busy for as long as there are many.
	clients, err := redis.String(n.do(ctx, "CLIENT", "LIST", "TYPE", "pubsub"))
	if err != nil { // before Redis 5
		clients, _ = redis.String(n.do(ctx, "CLIENT", "LIST"))
	}
	f.sentinels = strings.Count(clients, " name=sentinel-")
	began := time.Now()
	f.skew = n.now(ctx).Sub(began.Add(time.Since(began) / 2))
	if f.info["redis_mode"] != "sentinel" {
		f.denied = n.denied(ctx)
	}
	return f
}

// carried are settings that replication does not carry and that matter to clients or
// to what is kept. maxmemory is not among them: a bigger machine has another one.
var carried = []string{
	"maxmemory-policy", "maxmemory-samples", "save", "appendonly", "appendfsync", "notify-keyspace-events", "timeout", "tcp-keepalive",
	"lua-time-limit", "busy-reply-threshold", "hash-max-ziplist-entries", "hash-max-ziplist-value", "hash-max-listpack-entries",
	"hash-max-listpack-value", "list-max-ziplist-size", "list-max-listpack-size", "list-compress-depth", "set-max-intset-entries",
	"zset-max-ziplist-entries", "zset-max-ziplist-value", "zset-max-listpack-entries", "zset-max-listpack-value", "stream-node-max-bytes",
	"stream-node-max-entries", "hll-sparse-max-bytes", "client-output-buffer-limit", "client-query-buffer-limit", "proto-max-bulk-len",
	"maxmemory-clients", "slowlog-log-slower-than", "slowlog-max-len", "latency-monitor-threshold", "repl-backlog-size", "repl-backlog-ttl",
	"min-replicas-to-write", "min-replicas-max-lag", "lazyfree-lazy-eviction", "lazyfree-lazy-expire", "lazyfree-lazy-server-del",
	"lazyfree-lazy-user-del", "activedefrag", "maxclients",
}

// differing are those of carried that the target has too, with another value.
func differing(source, target map[string]string) []string {
	var all []string
	for _, name := range carried {
		have, ok := source[name]
		if other, too := target[name]; ok && too && other != have {
			all = append(all, name)
		}
	}
	return all
}

// unlikeUsers are the users that the target lacks or has with other rules.
func unlikeUsers(source, target map[string]string) []string {
	var all []string
	for name, rules := range source {
		if target[name] != rules {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// version compares two of Redis, as 7.0.15.
func version(v string) (n [3]int) {
	for i, part := range strings.SplitN(v, ".", 3) {
		n[i], _ = strconv.Atoi(part)
	}
	return n
}

func older(a, b string) bool {
	x, y := version(a), version(b)
	return slices.Compare(x[:], y[:]) < 0
}
