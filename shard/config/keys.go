package config

import (
	"log/slog"
	"strings"
	"time"

	"github.com/shardring/shardring/ring"
)

// proxyKey is the top-level key that is not a pool.
const proxyKey = "shardproxy"

// Keys whose values never print.
const (
	authKey       = "redis_auth"
	serverAuthKey = "server_auth"
	sentinelAuth  = "sentinel_auth"
	passwordKey   = "password"
)

// proxyKeys are the keys below shardproxy:.
func proxyKeys() []key[Proxy] {
	return []key[Proxy]{
		{"loops", "count", "Event loops. 0: the proxy chooses by the cores there are.",
			count(0, 1024, func(p *Proxy) *int { return &p.Loops })},
		{"log_level", "word", "`debug`, `info`, `warn` or `error`.", logLevel()},
		{"admin", "address", "Where `POST /reload` and the other pages of the admin are served. `host:port`, or `/path` of a unix socket. Without it: nowhere.", adminListen()},
		{"watch", "true or false", "Read the file again when it changes.",
			boolean(func(p *Proxy) *bool { return &p.Watch })},
		{"accept_moved_keys", "true or false", "A file that is read again may place keys of a pool on other shards. `false`: it is refused, and says how much of the keyspace would move.",
			boolean(func(p *Proxy) *bool { return &p.AcceptMovedKeys })},
		{"zone", "text", "Where the proxy stands, for `balance: same_zone`.", zone(func(p *Proxy) *string { return &p.Zone })},
	}
}

// poolKeys are the keys of a pool, in the order of a dump: nutcracker's first,
// then ours.
func poolKeys() []key[poolDraft] {
	type p = poolDraft
	return []key[p]{
		{"listen", "address", "`host:port`, or `/path` of a unix socket and after a space its permissions in octal. Port 0: the kernel chooses. A pool with `shards:` may leave it out, and is then for the library only.", listen()},
		{"redis", "true or false", "`true`: the servers speak Redis. `false`: memcached.",
			boolean(func(p *p) *bool { return &p.Redis })},
		{"distribution", "word", "How keys are placed: " + words(ring.Placements()) + "; see package ring.", distribution()},
		{"hash", "word", "Hash of the key. `ketama`, `modula` and `random` take " + words(ring.Ketama.Hashes()) + "; `jedis` and `jedis-2.9` take " + words(ring.Jedis.Hashes()) + "; the others have one of their own. The first is the default.", hash()},
		{"hash_tag", "two characters", "Only what stands between the first of them and the next of the second is hashed, if it is not empty. `none`: the whole key. Default: `\"{}\"` under `murmur3` and `slots`, else `none`.", hashTag()},
		{"key_tag_pattern", "regular expression", "Group 1 of its first match is hashed, in place of `hash_tag`. Jedis's usual one is `'\\{(.+?)\\}'`.", keyTagPattern()},
		{"timeout", "time", "For the answer to a request, connecting included. 0: none.",
			span(func(p *p) *time.Duration { return &p.Timeout })},
		{"connect_timeout", "time", "For connecting to a server, within `timeout`.",
			span(func(p *p) *time.Duration { return &p.ConnectTimeout })},
		{"backlog", "count", "Connections the kernel holds until they are accepted.",
			count(0, maxInt, func(p *p) *int { return &p.Backlog })},
		{"client_connections", "count", "At most this many clients. 0: no limit of ours.",
			count(0, maxInt, func(p *p) *int { return &p.ClientConnections })},
		{"tcpkeepalive", "true or false", "TCP keep-alive on connections to servers.",
			boolean(func(p *p) *bool { return &p.TCPKeepAlive })},
		{"reuseport", "true or false", "`SO_REUSEPORT` on the listener.",
			boolean(func(p *p) *bool { return &p.ReusePort })},
		{"preconnect", "true or false", "Connect to every server at start.",
			boolean(func(p *p) *bool { return &p.Preconnect })},
		{authKey, "secret", "Password: given to servers, asked of clients. Needs `redis: true`. Also `{file: /run/secrets/redis}`.",
			secret(func(p *p) *Secret { return &p.Auth })},
		{serverAuthKey, "secret", "Password given to servers, where it is not `redis_auth`. To memcached (`-Y`) with `server_username`.",
			secret(func(p *p) *Secret { return &p.ServerAuth })},
		{"server_username", "text", "User that the password given to servers belongs to. Default: theirs.", binding[p]{
			read: func(d *decoder, k string, v node, to *p) { to.ServerUsername, _ = d.userName(k, v) },
			show: func(from *p) string { return quoteNonEmpty(from.ServerUsername) },
		}},
		{"users", "list of mappings", "Who may log in at the proxy, and what each may do; see the keys of a user. Needs `redis: true`.", users()},
		{"redis_db", "count", "The servers' database that the pool is; clients may call it 0 too. `0`: none is fixed, each client of the proxy may `SELECT` any that the servers have.",
			count(0, maxInt, func(p *p) *int { return &p.Database })},
		{"server_connections", "count", "Connections to each server, at least 1.",
			count(1, maxInt, func(p *p) *int { return &p.ServerConnections })},
		{"cross_shard_reads", "true or false", "`SUNION`, `SINTER`, `SDIFF`, `SINTERCARD`, `ZUNION`, `ZINTER`, `ZDIFF`, `ZINTERCARD` and `PFCOUNT` may have keys on several shards, which then send what they hold. `false`: a `CROSSSLOT` error.",
			boolean(func(p *p) *bool { return &p.CrossShardReads })},
		{"on_shard_error", "word", "What is answered for keys that are asked for and whose shard fails: `error`, or `miss`, as if they were not there. Default: `miss` for memcached, `error` for Redis, where it cannot be `miss`.", onShardError()},
		{"sentinels", "list of addresses", "Sentinels that know where the shards' servers are; a shard's `master:` or name is what they call it. The others of the same masters are found through these.", sentinels()},
		{sentinelAuth, "secret", "Password given to Sentinels.",
			secret(func(p *p) *Secret { return &p.SentinelAuth })},
		{"sentinel_username", "text", "User that `sentinel_auth` belongs to. Default: theirs.", binding[p]{
			read: func(d *decoder, k string, v node, to *p) { to.SentinelUsername, _ = d.userName(k, v) },
			show: func(from *p) string { return quoteNonEmpty(from.SentinelUsername) },
		}},
		{"health_interval", "time", "Between two probes of a server.",
			span(func(p *p) *time.Duration { return &p.HealthInterval })},
		{"read_from", "word", "Who answers commands that only read: " + words(readFroms()) + ".", readFrom()},
		{"balance", "word", "Among the servers that may be read from: " + words(balances()) + ".", balance()},
		{"max_replica_lag", "time", "A replica farther behind its primary is not read from. 0: however far.",
			span(func(p *p) *time.Duration { return &p.MaxReplicaLag })},
		{"max_replica_lag_bytes", "count", "The same in bytes of the replication stream. 0: however many.",
			count(0, maxInt, func(p *p) *int { return &p.MaxReplicaLagBytes })},
		{"read_your_writes", "time", "A client that wrote to a shard reads its primary for so long. 0: not at all.",
			span(func(p *p) *time.Duration { return &p.ReadYourWrites })},
		{"hedge_reads", "true or false", "A read that takes longer than 95 of 100 at its server is asked of another one too; the first answer counts.",
			boolean(func(p *p) *bool { return &p.HedgeReads })},
		{"max_in_flight", "count", "Requests under way at one server; more are refused. 0: no limit.",
			count(0, maxInt, func(p *p) *int { return &p.MaxInFlight })},
		{"max_requests_per_second", "count", "Of one client, which may save up those of one second; more are refused. 0: no limit.",
			count(0, maxInt, func(p *p) *int { return &p.MaxRequestsPerSecond })},
		{"max_output", "count", "Bytes of replies that a client has not taken; one with more is cut off.",
			count(1<<20, maxInt, func(p *p) *int { return &p.MaxOutput })},
		{"client_idle_timeout", "time", "A client that asks nothing for so long is disconnected. 0: never.",
			span(func(p *p) *time.Duration { return &p.ClientIdleTimeout })},
		{"client_keepalive", "time", "TCP keep-alive on clients' connections, after so long without a word. 0: none.",
			span(func(p *p) *time.Duration { return &p.ClientKeepAlive })},
		{"auto_eject_hosts", "true or false", "The pool is a cache: the keys of a server that fails go to the others until it is back. Not with `slots`.",
			boolean(func(p *p) *bool { return &p.AutoEjectHosts })},
		{"server_retry_timeout", "time", "How long an ejected server is left alone.",
			span(func(p *p) *time.Duration { return &p.ServerRetryTimeout })},
		{"server_failure_limit", "count", "Failures in a row that eject a server.",
			count(0, maxInt, func(p *p) *int { return &p.ServerFailureLimit })},
		{"servers", "list of lines", "`host:port:weight name` or `/path:weight name`; the name may be left out where the placement has a rule for it.", servers()},
		{"shards", "list of mappings", "In place of `servers:`, see the keys of a shard.", shards()},
	}
}

func words[S ~string](all []S) string {
	quoted := make([]string, len(all))
	for i, w := range all {
		quoted[i] = "`" + string(w) + "`"
	}
	return strings.Join(quoted, ", ")
}

// shardKeys are the keys of an element of shards:.
func shardKeys() []key[shardDraft] {
	type s = shardDraft
	return []key[s]{
		{"name", "text", "Its identity: keys stay with the name when addresses change. May be left out where the placement has a rule for it.", binding[s]{
			read: func(d *decoder, k string, v node, to *s) { to.Name, _ = d.name(k, v) },
			show: func(from *s) string { return quoteNonEmpty(from.Name) },
		}},
		{"weight", "count", "Its share of the keys beside the others', at least 1.",
			count(1, maxInt, func(s *s) *int { return &s.Weight })},
		{"primary", "address", "`host:port`, an IPv6 host in brackets, or `/path`. May be left out in a pool with `sentinels:`.", binding[s]{
			read: func(d *decoder, k string, v node, to *s) {
				to.Primary, to.unnamed, _ = d.address(k, v)
			},
			show: func(from *s) string { return quoteNonEmpty(from.Primary.Addr) },
		}},
		{"replicas", "list of addresses", "Servers that copy the primary. Also `{address: host:port, zone: eu-1, weight: 2}`, see the keys of a replica.", replicas()},
		{"master", "text", "What the pool's Sentinels call the shard. Default: its name.", binding[s]{
			read: func(d *decoder, k string, v node, to *s) { to.Master, _ = d.userName(k, v) },
			show: func(from *s) string { return quoteNonEmpty(from.Master) },
		}},
		{"zone", "text", "Where the primary stands.", zone(func(s *s) *string { return &s.Zone })},
		{"slots", "list of ranges", "`0-5460` or a list of such, in a pool with `distribution: slots`. Without it in any shard, slots are shared out by weight in the order of the list, as `redis-cli --cluster create` does.", slots()},
	}
}

// replicaKeys are the keys of an element of replicas: that is a mapping.
func replicaKeys() []key[replicaDraft] {
	type r = replicaDraft
	return []key[r]{
		{"address", "address", "`host:port`, an IPv6 host in brackets, or `/path`.", binding[r]{
			read: func(d *decoder, k string, v node, to *r) { to.Address, _, _ = d.address(k, v) },
			show: func(from *r) string { return quoteNonEmpty(from.Addr) },
		}},
		{"zone", "text", "Where it stands.", zone(func(r *r) *string { return &r.Zone })},
		{"weight", "count", "Its share of the reads under `balance: weighted`, at least 1.",
			count(1, maxInt, func(r *r) *int { return &r.Weight })},
	}
}

// userKeys are the keys of an element of users:.
func userKeys() []key[userDraft] {
	type u = userDraft
	return []key[u]{
		{"name", "text", "What clients log in with. `default` is who a client is before it logs in.", binding[u]{
			read: func(d *decoder, k string, v node, to *u) { to.Name, _ = d.userName(k, v) },
			show: func(from *u) string { return quoteNonEmpty(from.Name) },
		}},
		{passwordKey, "secret", "Also `{file: /run/secrets/app}`, or a list of passwords, each of which will do.", passwords()},
		{"rules", "text", "What it may do, as after `ACL SETUSER name on`: `~cache:* +@read -keys`. No passwords.", rules()},
	}
}

func logLevel() binding[Proxy] {
	names := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	return binding[Proxy]{
		read: func(d *decoder, k string, v node, to *Proxy) {
			if w, ok := word(d, k, v, []string{"debug", "info", "warn", "error"}); ok {
				to.LogLevel = names[w]
			}
		},
		show: func(from *Proxy) string { return strings.ToLower(from.LogLevel.String()) },
	}
}

func listen() binding[poolDraft] {
	return listenAt(func(p *poolDraft) *Listen { return &p.Listen })
}

func adminListen() binding[Proxy] {
	return listenAt(func(p *Proxy) *Listen { return &p.Admin })
}

// listenAt is a key that holds where something listens.
func listenAt[T any](field func(*T) *Listen) binding[T] {
	return binding[T]{
		read: func(d *decoder, k string, v node, to *T) {
			s, ok := d.text(k, v)
			if !ok {
				return
			}
			l, err := parseListen(s)
			if err != nil {
				d.add(v.pos, "%s %q: %s", k, s, err)
				return
			}
			*field(to) = l
		},
		show: func(from *T) string { return quoteNonEmpty(field(from).String()) },
	}
}

func distribution() binding[poolDraft] {
	return binding[poolDraft]{
		read: func(d *decoder, k string, v node, to *poolDraft) {
			if w, ok := word(d, k, v, ring.Placements()); ok {
				to.Ring.Placement = w
			} else {
				to.broken = true
			}
		},
		show: func(from *poolDraft) string { return string(from.Ring.Placement) },
	}
}

func hash() binding[poolDraft] {
	return binding[poolDraft]{
		read: func(d *decoder, k string, v node, to *poolDraft) {
			// Whether the placement takes it is known when all keys are read.
			if w, ok := word(d, k, v, ring.Hashes()); ok {
				to.Ring.Hash = w
			} else {
				to.broken = true
			}
		},
		show: func(from *poolDraft) string { return string(from.Ring.Hash) },
	}
}

// address reads host:port or /path, and the name nutcracker has for it.
func (d *decoder) address(k string, v node) (Address, string, bool) {
	s, ok := d.text(k, v)
	if !ok {
		return Address{}, "", false
	}
	a, name, err := parseAddress(s)
	if err != nil {
		d.add(v.pos, "%s %q: %s", k, s, err)
		return Address{}, "", false
	}
	return a, name, true
}
