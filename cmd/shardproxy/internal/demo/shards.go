package demo

import (
	"context"
	"errors"
	"fmt"

	"github.com/alicebob/miniredis/v2"

	"github.com/shardring/shardring/shard/shardtest"
)

// Shards are running servers. Close ends them all.
type Shards struct {
	Kind  string   // what they are, in a few words
	Addrs []string // host:port of each
	ends  []func() error
}

// Servers starts n redis-servers that persist nothing. The error is a
// *shardtest.MissingError where there is no redis-server.
func Servers(ctx context.Context, n int) (*Shards, error) {
	s := &Shards{Kind: "redis-server"}
	for range n {
		server, err := shardtest.Start(ctx, shardtest.RedisSpec())
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.Addrs = append(s.Addrs, server.Addr)
		s.ends = append(s.ends, server.Close)
	}
	return s, nil
}

// Embedded starts n miniredis in this process.
func Embedded(n int) (*Shards, error) {
	s := &Shards{Kind: "miniredis, in this process"}
	for range n {
		m := miniredis.NewMiniRedis()
		if err := m.StartAddr("127.0.0.1:0"); err != nil {
			return nil, errors.Join(fmt.Errorf("miniredis: %w", err), s.Close())
		}
		s.Addrs = append(s.Addrs, m.Addr())
		s.ends = append(s.ends, func() error { m.Close(); return nil })
	}
	return s, nil
}

// Close ends every server.
func (s *Shards) Close() error {
	var errs []error
	for _, end := range s.ends {
		errs = append(errs, end())
	}
	s.ends = nil
	return errors.Join(errs...)
}
