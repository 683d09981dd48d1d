package proxy_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestSlowReaders has clients ask for much and read nothing. The proxy holds a
// few MB for each, other clients are as fast as before, and when the slow ones
// read at last, everything is there.
func TestSlowReaders(t *testing.T) {
	t.Run("4 KiB", func(t *testing.T) { slowReaders(t, 10, 20_000, 4<<10, 8<<20) })
	t.Run("1 MiB", func(t *testing.T) { slowReaders(t, 2, 300, 1<<20, 24<<20) })
}

// slowReaders has some clients make so many requests for a value of size
// bytes, for each of which the proxy may hold most bytes.
func slowReaders(t *testing.T, clients, requests, size, most int) {
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 4)
		s := serveApart(t, d, servers)
		keys := keysOf(t, &s.serving, servers, 8)
		data := strings.Repeat("v", size)
		if _, err := s.dial(t).Do("SET", "big", data); err != nil {
			t.Fatal(err)
		}
		median, worst := latency(t, s.dial(t), keys)
		t.Logf("other clients before: median %v, slowest %v", median, worst)
		before := s.memory(t, "VmRSS")

		conns := make([]net.Conn, clients)
		var writers sync.WaitGroup
		for i := range conns {
			c, err := net.Dial(s.network, s.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(2 * time.Minute))
			conns[i] = c
			writers.Go(func() {
				if _, err := c.Write(bytes.Repeat([]byte("*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n"), requests)); err != nil {
					t.Errorf("write: %v", err)
				}
			})
		}
		time.Sleep(time.Second)
		median, worst = latency(t, s.dial(t), keys)
		t.Logf("other clients beside %d slow readers: median %v, slowest %v", clients, median, worst)
		if median > 20*time.Millisecond {
			t.Errorf("slow readers slow others down: median %v", median)
		}
		held := s.memory(t, "VmHWM") - before
		t.Logf("%d clients asked for %d MB and read nothing: the proxy grew by %.1f MB", clients, clients*requests*size>>20, float64(held)/(1<<20))
		if held > clients*most && !raced {
			t.Errorf("want at most %d MB", clients*most>>20)
		}

		want := fmt.Appendf(nil, "$%d\r\n%s\r\n", size, data)
		var readers sync.WaitGroup
		for _, c := range conns {
			readers.Go(func() {
				r, got := bufio.NewReaderSize(c, 64<<10), make([]byte, len(want))
				for i := range requests {
					if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, want) {
						t.Errorf("reply %d of %d: %.40q, %v", i+1, requests, got, err)
						return
					}
				}
			})
		}
		readers.Wait()
		writers.Wait()
	})
}

// latency asks for keys of all shards, one at a time.
func latency(t *testing.T, c redis.Conn, keys [][]string) (median, worst time.Duration) {
	t.Helper()
	var took []time.Duration
	for i := range 400 {
		key := keys[i%len(keys)][i/len(keys)%8]
		began := time.Now()
		if got, err := redis.String(c.Do("GET", key)); err != nil || got != key {
			t.Fatalf("GET %s: %q, %v", key, got, err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[len(took)/2].Round(time.Microsecond), took[len(took)-1].Round(time.Microsecond)
}

// TestFloodedShard has clients write to a server that hangs as fast as they
// can. The proxy stops reading from them instead of holding it all, and the
// other shards' clients go on.
func TestFloodedShard(t *testing.T) {
	const (
		clients = 16
		size    = 1 << 20
		most    = 96 << 20
		victim  = 3
	)
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 4)
		s := serveApart(t, d, servers, "timeout: 0")
		keys := keysOf(t, &s.serving, servers, 8)
		before := s.memory(t, "VmRSS")
		servers[victim].Pause()
		var sent sync.WaitGroup
		total := make([]int, clients)
		for i := range clients {
			c, err := net.Dial(s.network, s.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(time.Second))
			key := keys[victim][i%8]
			set := fmt.Appendf(nil, "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", len(key), key, size, strings.Repeat("v", size))
			sent.Go(func() {
				for {
					n, err := c.Write(set)
					total[i] += n
					if err != nil {
						return // its time is up: the proxy reads no more
					}
				}
			})
		}
		sent.Wait()
		median, worst := latency(t, s.dial(t), keys[:victim])
		t.Logf("other shards meanwhile: median %v, slowest %v", median, worst)
		wrote := 0
		for _, n := range total {
			wrote += n
		}
		held := s.memory(t, "VmHWM") - before
		t.Logf("clients could write %.1f MB: the proxy grew by %.1f MB", float64(wrote)/(1<<20), float64(held)/(1<<20))
		if held > most && !raced {
			t.Errorf("want at most %d MB", most>>20)
		}
		servers[victim].Resume()
		if _, err := s.dial(t).Do("GET", keys[victim][7]); err != nil {
			t.Errorf("after the server went on: %v", err)
		}
	})
}
