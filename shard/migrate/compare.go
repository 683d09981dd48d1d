package migrate

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

const samples = 100 // of each database

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

// sample compares how many keys the databases have, and some of each.
func (m *Move) sample(ctx context.Context) (int, error) {
	si, err := m.source.info(ctx, "keyspace")
	if err != nil {
		return 0, err
	}
	ti, err := m.target.info(ctx, "keyspace")
	if err != nil {
		return 0, err
	}
	have, copied, checked := keyspace(si), keyspace(ti), 0
	for db := range copied {
		have[db] += 0 // also one that only the target has
	}
	for db, count := range have {
		same := copied[db]
		if d := max(count-same, same-count); d > 1000+count/20 { // clients write and keys expire meanwhile
			return 0, fmt.Errorf("the source has %d keys in database %d, the target %d", count, db, same)
		}
		n, err := m.sampleOf(ctx, db, min(samples, count))
		if err != nil {
			return 0, err
		}
		checked += n
	}
	return checked, nil
}

// keyspace returns how many keys each database has by INFO keyspace, those that have none
// left out.
func keyspace(info map[string]string) map[int]int64 {
	all := map[int]int64{}
	for name, v := range info {
		db, err := strconv.Atoi(strings.TrimPrefix(name, "db"))
		keys, ok := strings.CutPrefix(v, "keys=")
		if err != nil || !ok {
			continue
		}
		keys, _, _ = strings.Cut(keys, ",")
		all[db], _ = strconv.ParseInt(keys, 10, 64)
	}
	return all
}

// sampleOf compares that many keys of a database, or fewer where it has few.
func (m *Move) sampleOf(ctx context.Context, db int, keys int64) (checked int, err error) {
	source, target := m.source.in(db), m.target.in(db)
	defer source.close()
	defer target.close()
	for range keys {
		key, err := redis.Bytes(source.do(ctx, "RANDOMKEY"))
		if err == redis.ErrNil {
			break
		}
		if err != nil {
			return 0, err
		}
		if err := sameKey(ctx, source, target, key); err != nil {
			return 0, err
		}
		checked++
	}
	return checked, nil
}

// sameKey compares one key. One that the source changes meanwhile cannot be compared,
// which is no error; one that it does not change may be late at the target.
func sameKey(ctx context.Context, source, target *node, key []byte) error {
	var first digest
	for i := range 20 {
		before, err := source.digest(ctx, key)
		if err != nil {
			return err
		}
		if err := sleep(ctx, 2*time.Millisecond); err != nil {
			return err
		}
		copied, err := target.digest(ctx, key)
		if err != nil {
			return err
		}
		after, err := source.digest(ctx, key)
		if err != nil {
			return err
		}
		if i == 0 {
			first = before
		}
		if !first.like(after) {
			return nil
		}
		if copied.like(before) || before.ending() || copied.ending() {
			return nil
		}
	}
	return fmt.Errorf("key %q differs", key)
}
