package migrate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	ends     = 4096 // bytes of a string that are compared at each end; a node that sends a large one does nothing else
	samples  = 100
	ttlSlack = int64(2 * time.Second / time.Millisecond)
)

// rewritten waits until the target has written its append-only file anew, as it does once
// it has the copy. Until then its disk may keep it from answering for seconds: Sentinels
// have the node that they promote write its configuration.
func (m *Move) rewritten(ctx context.Context) error {
	var told time.Time
	for {
		info, err := m.target.info(ctx, "persistence")
		if err != nil {
			return err
		}
		if info["aof_rewrite_in_progress"] != "1" && info["aof_rewrite_scheduled"] != "1" {
			return nil
		}
		if time.Since(told) > time.Second {
			told = time.Now()
			m.say(Compare, "waits until %s has written its append-only file anew", m.header.Target)
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// compare counts the keys of both nodes and compares a sample of them, values and
// times to live. Clients go on writing, so a difference is looked at again; one that
// stays ends the move.
func (m *Move) compare(ctx context.Context) error {
	var err error
	for range 5 {
		var n int
		if n, err = m.sample(ctx); err == nil {
			m.say(Compare, "%d keys compared, the same", n)
			return nil
		}
		if serr := sleep(ctx, 200*time.Millisecond); serr != nil {
			return serr
		}
	}
	return fmt.Errorf("%w: the target is not a copy of the source; --abort takes the move back", err)
}

// sample compares some keys of database 0.
func (m *Move) sample(ctx context.Context) (int, error) {
	count, err := redis.Int(m.source.do(ctx, "DBSIZE"))
	if err != nil {
		return 0, err
	}
	same, err := redis.Int(m.target.do(ctx, "DBSIZE"))
	if err != nil {
		return 0, err
	}
	if d := max(count-same, same-count); d > 1000+count/20 { // clients write and keys expire meanwhile
		return 0, fmt.Errorf("the source has %d keys, the target %d", count, same)
	}
	checked := 0
	for range min(samples, count) {
		key, err := redis.Bytes(m.source.do(ctx, "RANDOMKEY"))
		if err == redis.ErrNil {
			break
		}
		if err != nil {
			return 0, err
		}
		if err := m.sameKey(ctx, key); err != nil {
			return 0, err
		}
		checked++
	}
	return checked, nil
}

// sameKey compares one key; one that changes all the time is given up on without an
// error, as it cannot be compared.
func (m *Move) sameKey(ctx context.Context, key []byte) error {
	for range 20 {
		before, err := m.digest(ctx, m.source, key)
		if err != nil {
			return err
		}
		if err := sleep(ctx, 2*time.Millisecond); err != nil {
			return err
		}
		copied, err := m.digest(ctx, m.target, key)
		if err != nil {
			return err
		}
		after, err := m.digest(ctx, m.source, key)
		if err != nil {
			return err
		}
		if before.value != after.value || before.ttl < 0 != (after.ttl < 0) {
			continue // it changed in between
		}
		if copied.value == before.value && copied.ttl < 0 == (before.ttl < 0) && max(copied.ttl-before.ttl, before.ttl-copied.ttl) < ttlSlack {
			return nil
		}
		if copied.value != before.value || before.ttl > ttlSlack {
			continue
		}
		return nil // about to end
	}
	before, _ := m.digest(ctx, m.source, key)
	copied, _ := m.digest(ctx, m.target, key)
	if again, _ := m.digest(ctx, m.source, key); again != before || copied.value == before.value {
		return nil
	}
	return fmt.Errorf("key %q differs", key)
}

// digest is what is compared of a key: its type and length, and of a string its ends.
type digest struct {
	value string
	ttl   int64 // in milliseconds, -1: none, -2: no key
}

func (m *Move) digest(ctx context.Context, n *node, key []byte) (d digest, err error) {
	kind, err := redis.String(n.do(ctx, "TYPE", key))
	if err != nil {
		return d, err
	}
	var v any
	switch kind {
	case "string":
		v, err = n.ends(ctx, key)
	case "list":
		v, err = n.do(ctx, "LLEN", key)
	case "set":
		v, err = n.do(ctx, "SCARD", key)
	case "zset":
		v, err = n.do(ctx, "ZCARD", key)
	case "hash":
		v, err = n.do(ctx, "HLEN", key)
	case "stream":
		v, err = n.do(ctx, "XLEN", key)
	}
	if err != nil {
		if strings.Contains(err.Error(), "WRONGTYPE") {
			return digest{value: "changing"}, nil
		}
		return d, err
	}
	d.value = fmt.Sprintf("%s %s", kind, v)
	d.ttl, err = redis.Int64(n.do(ctx, "PTTL", key))
	return d, err
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
