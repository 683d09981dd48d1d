package baton

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/shardtest"
)

// BenchmarkGet compares a line with a redigo pool on one server.
func BenchmarkGet(b *testing.B) {
	s := shardtest.Redis(b)
	if _, err := s.Do("SET", "key:000000000001", strings.Repeat("v", 64)); err != nil {
		b.Fatal(err)
	}
	nc, err := net.Dial("tcp", s.Addr)
	if err != nil {
		b.Fatal(err)
	}
	l := New(nc, Options{Stall: 5 * time.Second})
	defer l.Break(net.ErrClosed)
	pool := &redis.Pool{MaxIdle: 256, Dial: func() (redis.Conn, error) {
		return redis.Dial("tcp", s.Addr, redis.DialReadTimeout(5*time.Second), redis.DialWriteTimeout(5*time.Second))
	}}
	defer pool.Close()

	key := "key:000000000001"
	for _, g := range []int{1, 16, 64, 256} {
		run := func(name string, op func() error) {
			b.Run(fmt.Sprintf("%s/%d", name, g), func(b *testing.B) {
				b.ReportAllocs()
				var left atomic.Int64
				left.Store(int64(b.N))
				var wg sync.WaitGroup
				b.ResetTimer()
				for range g {
					wg.Go(func() {
						for left.Add(-1) >= 0 {
							if err := op(); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
			})
		}
		run("baton", func() error {
			_, err := l.Do(context.Background(), time.Now().Add(5*time.Second), "GET", []any{key})
			return err
		})
		run("pool", func() error {
			c := pool.Get()
			_, err := c.Do("GET", key)
			c.Close()
			return err
		})
	}
}
