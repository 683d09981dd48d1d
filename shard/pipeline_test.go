package shard

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

func TestPipelineKeepsOrderAndErrors(t *testing.T) {
	c, _ := start(t, 4, nil)
	for range 3 {
		p := c.Pipeline()
		for i := range 100 {
			p.Add("SET", fmt.Sprint("k", i), i).Add("GET", fmt.Sprint("k", i))
		}
		p.Add("LPUSH", "k1", 0).Add("MGET", "k5", "none", "k7").Add("NOSUCH").Add("PING").Add("DEL", "k1", "k2", "none").
			Add("RENAME", key(c, "shard-0", 0), key(c, "shard-1", 0)).Add("DBSIZE").Add("SCAN", 0, "COUNT", 1000).Add("MULTI")
		if p.Len() != 209 {
			t.Fatalf("Len: %d", p.Len())
		}
		replies, err := p.Exec(bg)
		for i := range 100 {
			if s, err := redis.String(replies[2*i+1].Value, replies[2*i+1].Err); s != fmt.Sprint(i) || err != nil {
				t.Errorf("reply %d: %v, %v", i, s, err)
			}
		}
		rest := replies[200:]
		var texts []string
		for _, i := range []int{0, 2, 5, 8} {
			if rest[i].Value != rest[i].Err {
				t.Errorf("reply %d is an error but not as redigo returns one: %v, %v", i, rest[i].Value, rest[i].Err)
			}
			texts = append(texts, rest[i].Err.Error())
			if !errors.Is(err, rest[i].Err) {
				t.Errorf("Exec's error %v lacks %v", err, rest[i].Err)
			}
		}
		if !strings.HasPrefix(texts[0], "WRONGTYPE") || !strings.HasPrefix(texts[1], "ERR unknown command") ||
			texts[2] != string(ErrCrossSlot) || !strings.Contains(texts[3], "needs a connection") {
			t.Errorf("errors %q", texts)
		}
		if want := []any{[]byte("5"), nil, []byte("7")}; !reflect.DeepEqual(rest[1].Value, want) {
			t.Errorf("MGET: %q", rest[1].Value)
		}
		if rest[3].Value != "PONG" || rest[4].Value != int64(2) {
			t.Errorf("PING, DEL: %v, %v", rest[3].Value, rest[4].Value)
		}
		// All-shards commands of a pipeline come after what each shard got before.
		if n := rest[6].Value; n != int64(98) {
			t.Errorf("DBSIZE: %v", n)
		}
		if page, err := redis.Values(rest[7].Value, rest[7].Err); err != nil || string(page[0].([]byte)) != "1" {
			t.Errorf("SCAN: %q, %v", page, err)
		}
		if p.Len() != 0 {
			t.Errorf("Len after Exec: %d", p.Len())
		}
	}
	if replies, err := c.Pipeline().Exec(bg); len(replies) != 0 || err != nil {
		t.Errorf("an empty pipeline: %v, %v", replies, err)
	}
}

func TestPipelineLargerThanTheBacklog(t *testing.T) {
	c, servers := start(t, 1, func(c *Config) { c.MaxUnsent = 1 << 20 })
	value := strings.Repeat("v", 10_000)
	p := c.Pipeline()
	for i := range 4000 { // 40 MB
		p.Add("SET", fmt.Sprint("large", i%100), value+fmt.Sprint(i))
	}
	must(t)(c.Do(bg, "SET", "k", 1))
	servers[0].Pause() // so that they do wait
	time.AfterFunc(300*time.Millisecond, func() { servers[0].Resume() })
	if _, err := p.Exec(bg); err != nil {
		t.Fatal(err)
	}
	for i := range 2000 {
		p.Add("GET", fmt.Sprint("large", i%100))
	}
	replies, err := p.Exec(bg)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range replies {
		if s, _ := redis.String(r.Value, nil); s != value+fmt.Sprint(3900+i%100) {
			t.Fatalf("reply %d: %d bytes that end in %q", i, len(s), s[max(0, len(s)-9):])
		}
	}
}

func TestPipelineEndsWithItsContext(t *testing.T) {
	c, servers := start(t, 2, nil)
	stuck, up := key(c, "shard-0", 0), key(c, "shard-1", 0)
	must(t)(c.Do(bg, "MSET", up, up, stuck, stuck))
	ctx, cancel := context.WithCancel(bg)
	cancel()
	replies, err := c.Pipeline().Add("SET", up, "changed").Add("GET", up).Exec(ctx)
	if !errors.Is(err, context.Canceled) || !isShardError(replies[0].Err, "shard-1", true) {
		t.Errorf("with a context that has ended: %v", err)
	}
	servers[0].Pause()
	ctx, cancel = context.WithTimeout(bg, 100*time.Millisecond)
	defer cancel()
	begin := time.Now()
	replies, err = c.Pipeline().Add("SET", stuck, "changed").Add("GET", up).Add("MGET", up, stuck).Exec(ctx)
	if d := time.Since(begin); !errors.Is(err, context.DeadlineExceeded) || d > 200*time.Millisecond {
		t.Errorf("%v after %v", err, d)
	}
	if !isShardError(replies[0].Err, "shard-0", false) || !isShardError(replies[2].Err, "shard-0", true) {
		t.Errorf("SET: %v; MGET: %v", replies[0].Err, replies[2].Err)
	}
	if s, err := redis.String(replies[1].Value, replies[1].Err); s != up || err != nil {
		t.Errorf("GET of the other shard: %v, %v", s, err)
	}
	servers[0].Resume()
}

func TestForEachShard(t *testing.T) {
	c, servers := start(t, 3, nil)
	var mu sync.Mutex
	sizes := map[string]int{}
	err := c.ForEachShard(bg, func(ctx context.Context, shard string, conn redis.Conn) error {
		conn.Send("MULTI") // nothing is refused here
		conn.Send("SET", "on", shard)
		conn.Send("DBSIZE")
		v, err := redis.Values(conn.Do("EXEC"))
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		sizes[shard] = int(v[1].(int64))
		return nil
	})
	if want := map[string]int{"shard-0": 1, "shard-1": 1, "shard-2": 1}; err != nil || !reflect.DeepEqual(sizes, want) {
		t.Errorf("%v, %v", sizes, err)
	}
	servers[2].Kill()
	errMine := errors.New("mine")
	err = c.ForEachShard(bg, func(ctx context.Context, shard string, conn redis.Conn) error {
		if shard == "shard-0" {
			return errMine
		}
		_, err := conn.Do("PING")
		return err
	})
	if !errors.Is(err, errMine) || !strings.Contains(err.Error(), "'shard-0'") || !strings.Contains(err.Error(), "'shard-2'") ||
		strings.Contains(err.Error(), "'shard-1'") {
		t.Errorf("got %v", err)
	}
}
