package migrate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

// A node that sends a large value does nothing else meanwhile.
const (
	ends  = 4096     // bytes of a string that are compared at each end
	whole = 64 << 10 // bytes of another key up to which its elements are compared, not only their number
)

// digest is what is compared of a key.
type digest struct {
	value   string        // its type, length, and elements
	expires time.Time     // by the node's clock; zero: never, or there is no such key
	left    time.Duration // until then
}

// slack is what the ends of two keys may be apart: clocks are read over a network.
const slack = 2 * time.Second

// like says that two are the same. Where the clocks are apart, a key's end came to the
// replica as a time, or, in older versions, as what was left.
func (d digest) like(o digest) bool {
	return d.value == o.value && d.expires.IsZero() == o.expires.IsZero() && (d.expires.Sub(o.expires).Abs() < slack || (d.left-o.left).Abs() < slack)
}

// ending says that the key is gone before it can be compared once more.
func (d digest) ending() bool { return !d.expires.IsZero() && d.left < slack }

// kinds say how a key of a type is counted and read; an element is so many replies.
var kinds = map[string]struct {
	count  string
	read   []any
	width  int
	sorted bool // the node says them in an order of its own
}{
	"list":   {"LLEN", []any{"LRANGE", 0, -1}, 1, false},
	"set":    {"SCARD", []any{"SMEMBERS"}, 1, true},
	"zset":   {"ZCARD", []any{"ZRANGE", 0, -1, "WITHSCORES"}, 2, false},
	"hash":   {"HLEN", []any{"HGETALL"}, 2, true},
	"stream": {"XLEN", []any{"XRANGE", "-", "+"}, 1, false},
}

func (n *node) digest(ctx context.Context, key []byte) (d digest, err error) {
	kind, err := redis.String(n.do(ctx, "TYPE", key))
	if err != nil {
		return d, err
	}
	var value string
	if kind == "string" {
		value, err = n.ends(ctx, key)
	} else {
		value, err = n.elements(ctx, kind, key)
	}
	if err != nil {
		if strings.Contains(err.Error(), "WRONGTYPE") {
			return digest{value: "changing"}, nil
		}
		return d, err
	}
	d.value = kind + " " + value
	ttl, err := redis.Int64(n.do(ctx, "PTTL", key))
	if err != nil || ttl < 0 {
		return d, err
	}
	d.left = time.Duration(ttl) * time.Millisecond
	d.expires = n.now(ctx).Add(d.left)
	return d, nil
}

// now is what a node's clock says; a key ends by that, and not by ours.
func (n *node) now(ctx context.Context) time.Time {
	if t, err := redis.Int64s(n.do(ctx, "TIME")); err == nil && len(t) == 2 {
		return time.Unix(t[0], t[1]*1000)
	}
	return time.Now()
}

// ends are a string's length, its first bytes and its last.
func (n *node) ends(ctx context.Context, key []byte) (string, error) {
	length, err := redis.Int64(n.do(ctx, "STRLEN", key))
	if err != nil {
		return "", err
	}
	first, err := redis.Bytes(n.do(ctx, "GETRANGE", key, 0, ends-1))
	if err != nil {
		return "", err
	}
	last, err := redis.Bytes(n.do(ctx, "GETRANGE", key, -ends, -1))
	return fmt.Sprintf("%d %s %s", length, first, last), err
}

// elements are how many a collection has and, if it is small, what they are.
func (n *node) elements(ctx context.Context, kind string, key []byte) (string, error) {
	k, ok := kinds[kind]
	if !ok { // of a module
		return "", nil
	}
	count, err := redis.Int64(n.do(ctx, k.count, key))
	if err != nil {
		return "", err
	}
	// Before Redis 4 nobody knows how large it is.
	if size, err := redis.Int64(n.do(ctx, "MEMORY", "USAGE", key)); err != nil || size > whole {
		return fmt.Sprint(count), nil
	}
	reply, err := redis.Values(n.do(ctx, k.read[0].(string), append([]any{key}, k.read[1:]...)...))
	if isReply(err, "NOPERM") {
		return fmt.Sprint(count), nil
	}
	if err != nil {
		return "", err
	}
	all := make([]string, 0, len(reply))
	for e := range slices.Chunk(reply, k.width) {
		if kind == "zset" { // versions write the same score with more digits or fewer
			if e[1], err = redis.Float64(e[1], nil); err != nil {
				return "", err
			}
		}
		all = append(all, fmt.Sprintf("%q", e))
	}
	if k.sorted {
		slices.Sort(all)
	}
	return strings.Join(all, " "), nil
}
