package config

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/shardring/shardring/ring"
)

// proxyKey is the top-level key that is not a pool.
const proxyKey = "shardproxy"

// authKey is the key whose value never prints.
const authKey = "redis_auth"

// proxyKeys are the keys below shardproxy:.
func proxyKeys() []key[Proxy] {
	return []key[Proxy]{
		{"loops", "count", "Event loops. 0: the proxy chooses by the cores there are.",
			count(0, 1024, func(p *Proxy) *int { return &p.Loops })},
		{"log_level", "word", "`debug`, `info`, `warn` or `error`.", logLevel()},
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
		{"distribution", "word", "How keys are placed: `murmur3`, `jedis`, `jedis-2.9`, `ketama`, `modula`, `random`, `slots`.", distribution()},
		{"hash", "word", "Hash of the key. `ketama`, `modula`, `random`: `fnv1a_64`, `one_at_a_time`, `md5`, `crc16`, `crc32`, `crc32a`, `fnv1_64`, `fnv1_32`, `fnv1a_32`, `hsieh`, `murmur`, `jenkins`. `jedis`, `jedis-2.9`: `murmur64a`, `md5`. The others have one.", hash()},
		{"hash_tag", "two characters", "Only what stands between the first of them and the next of the second is hashed, if it is not empty. `none`: the whole key, always.", hashTag()},
		{"key_tag_pattern", "regular expression", "Group 1 of its first match is hashed, in place of `hash_tag`. Jedis's usual one is `'\\{(.+?)\\}'`.", keyTagPattern()},
		{"timeout", "time", "For the answer to a request, connecting included. 0: none.",
			span(func(p *p) *time.Duration { return &p.Timeout })},
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
		{authKey, "secret", "Password: given to servers, asked of clients. Needs `redis: true`. Also `{file: /run/secrets/redis}`.", auth()},
		{"redis_db", "count", "Database number on the servers; clients see 0.",
			count(0, maxInt, func(p *p) *int { return &p.Database })},
		{"server_connections", "count", "Connections to each server, at least 1.",
			count(1, maxInt, func(p *p) *int { return &p.ServerConnections })},
		{"auto_eject_hosts", "true or false", "The pool is a cache: the keys of a server that fails go to the others until it is back.",
			boolean(func(p *p) *bool { return &p.AutoEjectHosts })},
		{"server_retry_timeout", "time", "How long an ejected server is left alone.",
			span(func(p *p) *time.Duration { return &p.ServerRetryTimeout })},
		{"server_failure_limit", "count", "Failures in a row that eject a server.",
			count(0, maxInt, func(p *p) *int { return &p.ServerFailureLimit })},
		{"servers", "list of lines", "`host:port:weight name` or `/path:weight name`; the name may be left out where the placement has a rule for it.", servers()},
		{"shards", "list of mappings", "In place of `servers:`, see the keys of a shard.", shards()},
	}
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
		{"primary", "address", "`host:port`, an IPv6 host in brackets, or `/path`.", binding[s]{
			read: func(d *decoder, k string, v node, to *s) {
				to.Primary, to.unnamed, _ = d.address(k, v)
			},
			show: func(from *s) string { return quote(from.Primary.Addr) },
		}},
		{"replicas", "list of addresses", "Servers that copy the primary.", replicas()},
		{"slots", "list of ranges", "`0-5460` or a list of such, in a pool with `distribution: slots`. Without it in any shard, slots are shared out by weight in the order of the list, as `redis-cli --cluster create` does.", slots()},
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
	return binding[poolDraft]{
		read: func(d *decoder, k string, v node, to *poolDraft) {
			s, ok := d.text(k, v)
			if !ok {
				return
			}
			l, err := parseListen(s)
			if err != nil {
				d.add(v.pos, "%s %q: %s", k, s, err)
				return
			}
			to.Listen = l
		},
		show: func(from *poolDraft) string { return quoteNonEmpty(from.Listen.String()) },
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

// auth reads a password, or where it is. Its messages never hold the value.
func auth() binding[poolDraft] {
	return binding[poolDraft]{
		read: func(d *decoder, k string, v node, to *poolDraft) {
			if v.kind == mapping {
				to.Auth = d.secretFile(k, v)
				return
			}
			d.mask(v.pos)
			if s, ok := d.text(k, v); ok {
				to.Auth = NewSecret(s)
				to.Auth.v.env = soleVariable(v.text)
			}
		},
		show: func(from *poolDraft) string {
			if from.Auth.IsZero() {
				return ""
			}
			return from.Auth.yaml()
		},
	}
}

// secretFile reads {file: path}. One line end at the end of the file is cut.
func (d *decoder) secretFile(k string, v node) Secret {
	type source struct {
		path string
		pos  position
	}
	var from source
	readKeys(d, k, v, []key[source]{{"file", "path", "", binding[source]{
		read: func(d *decoder, k string, v node, to *source) {
			to.path, _ = d.text(k, v)
			to.pos = v.pos
		},
	}}}, &from)
	if from.path == "" {
		if from.pos == (position{}) {
			d.add(v.pos, "%s: no file: want {file: /run/secrets/redis}", k)
		}
		return Secret{}
	}
	path := from.path
	if !filepath.IsAbs(path) {
		path = filepath.Join(d.dir, path)
	}
	data, err := d.options.read(path)
	value := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	switch {
	case err != nil:
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at.Err // the path is in the message already
		}
		d.add(from.pos, "%s: cannot read file %q: %s", k, path, err)
	case value == "":
		d.add(from.pos, "%s: file %q is empty", k, path)
	case len(value) > maxSecret:
		d.add(from.pos, "%s: file %q has more than %d bytes", k, path, maxSecret)
	default:
		return Secret{&secret{value: value, file: from.path}}
	}
	return Secret{}
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

// tagSetting is a key tag as a file says it, which ring.Tag does not tell; the
// zero value leaves it to the placement.
type tagSetting struct {
	key  string // "hash_tag" or "key_tag_pattern"
	text string
}

const noTag = "none"

// defaultTag is what [ring.Tag] documents as the placement's default.
func defaultTag(p ring.Placement) tagSetting {
	if p == ring.Murmur3 || p == ring.Slots {
		return tagSetting{"hash_tag", "{}"}
	}
	return tagSetting{"hash_tag", noTag}
}

func hashTag() binding[poolDraft] {
	return tagKey("hash_tag", func(s string) (ring.Tag, error) {
		if s == noTag {
			return ring.NoTag(), nil
		}
		return ring.TagPair(s)
	})
}

func keyTagPattern() binding[poolDraft] { return tagKey("key_tag_pattern", ring.TagPattern) }

func tagKey(name string, parse func(string) (ring.Tag, error)) binding[poolDraft] {
	return binding[poolDraft]{
		read: func(d *decoder, k string, v node, to *poolDraft) {
			s, ok := d.text(k, v)
			if !ok {
				return
			}
			if to.tag.key != "" {
				d.add(v.pos, "hash_tag and key_tag_pattern: a pool takes one of them")
				return
			}
			tag, err := parse(s)
			if err != nil {
				d.add(v.pos, "%s %q: %s", k, s, ringReason(err))
				return
			}
			to.tag, to.Ring.Tag = tagSetting{k, s}, tag
		},
		show: func(from *poolDraft) string {
			if from.tag.key != name {
				return ""
			}
			return quote(from.tag.text)
		},
	}
}

// ringReason is what package ring says of a value, without its name for it.
func ringReason(err error) string {
	var at *ring.ConfigError
	if !errors.As(err, &at) {
		return err.Error()
	}
	if at.Allowed == "" {
		return at.Reason
	}
	return fmt.Sprintf("%s, allowed: %s", at.Reason, at.Allowed)
}
