package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	redigo "github.com/gomodule/redigo/redis"
	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/shard"
)

// client is a library over all shards. Its methods are called by many
// goroutines.
type client interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Set(ctx context.Context, key string, value []byte) error
	// Pipeline does the operations in one round trip for every shard.
	Pipeline(ctx context.Context, ops []operation) error
	io.Closer
}

// libraryContender is one library with one way to set it up.
type libraryContender struct {
	name string
	note string
	open func(addrs []string) (client, error)
	busy bool // takes part only beside goroutines that compute
}

// ourLibrary is what ratios are taken of; it is the first contender.
const ourLibrary = "shardring"

// flushDelay is what rueidis's documentation suggests for MaxFlushDelay.
const flushDelay = 20 * time.Microsecond

func libraryContenders() []libraryContender {
	return []libraryContender{
		{ourLibrary, "shard.Client as it comes: contexts, time limits, reconnecting and retrying are on", openShardring(shard.Config{}), false},
		{"rueidis", "as it comes, client-side caching off", openRueidis(rueidis.ClientOption{}), false},
		{"rueidis tuned", "one connection a shard and MaxFlushDelay 20 µs",
			openRueidis(rueidis.ClientOption{PipelineMultiplex: -1, MaxFlushDelay: flushDelay}), false},
		{"go-redis Ring", "as it comes", openGoRedis, false},
		{"redigo pool", "a redis.Pool a shard without a limit, all connections kept", openRedigo, false},
		{"shardring NoYield", "with Config.NoYield, which is for processes that compute", openShardring(shard.Config{NoYield: true}), true},
	}
}

// placeByRing chooses a shard for the libraries that have none of their own:
// our ring, for it is the cheapest.
func placeByRing(addrs []string) (*ring.Ring, error) {
	cfg := ring.Config{}
	for i := range addrs {
		cfg.Shards = append(cfg.Shards, ring.Shard{Name: shardName(i), Weight: 1})
	}
	return ring.New(cfg)
}

func shardName(i int) string { return fmt.Sprintf("shard-%d", i+1) }

type shardringClient struct{ c *shard.Client }

func openShardring(cfg shard.Config) func([]string) (client, error) {
	return func(addrs []string) (client, error) {
		cfg := cfg
		for i, addr := range addrs {
			cfg.Shards = append(cfg.Shards, shard.Shard{Name: shardName(i), Primary: addr})
		}
		c, err := shard.New(cfg)
		return shardringClient{c}, err
	}
}

func (s shardringClient) Get(ctx context.Context, key string) ([]byte, error) {
	return redigo.Bytes(s.c.Do(ctx, "GET", key))
}

func (s shardringClient) Set(ctx context.Context, key string, value []byte) error {
	_, err := s.c.Do(ctx, "SET", key, value)
	return err
}

func (s shardringClient) Close() error { return s.c.Close() }

type rueidisClient struct {
	ring   *ring.Ring
	shards []rueidis.Client
}

func openRueidis(option rueidis.ClientOption) func([]string) (client, error) {
	return func(addrs []string) (client, error) {
		r, err := placeByRing(addrs)
		if err != nil {
			return nil, err
		}
		c := rueidisClient{ring: r}
		for _, addr := range addrs {
			o := option
			o.InitAddress, o.ForceSingleClient, o.DisableCache = []string{addr}, true, true
			s, err := rueidis.NewClient(o)
			if err != nil {
				return nil, errors.Join(err, c.Close())
			}
			c.shards = append(c.shards, s)
		}
		return c, nil
	}
}

func (r rueidisClient) Get(ctx context.Context, key string) ([]byte, error) {
	s := r.shards[r.ring.OwnerString(key)]
	return s.Do(ctx, s.B().Get().Key(key).Build()).AsBytes()
}

func (r rueidisClient) Set(ctx context.Context, key string, value []byte) error {
	s := r.shards[r.ring.OwnerString(key)]
	return s.Do(ctx, s.B().Set().Key(key).Value(rueidis.BinaryString(value)).Build()).Error()
}

func (r rueidisClient) Close() error {
	for _, s := range r.shards {
		s.Close()
	}
	return nil
}

type goRedisClient struct{ *goredis.Ring }

func openGoRedis(addrs []string) (client, error) {
	shards := make(map[string]string)
	for i, addr := range addrs {
		shards[shardName(i)] = addr
	}
	return goRedisClient{goredis.NewRing(&goredis.RingOptions{Addrs: shards})}, nil
}

func (g goRedisClient) Get(ctx context.Context, key string) ([]byte, error) {
	return g.Ring.Get(ctx, key).Bytes()
}

func (g goRedisClient) Set(ctx context.Context, key string, value []byte) error {
	return g.Ring.Set(ctx, key, value, 0).Err()
}

type redigoClient struct {
	ring   *ring.Ring
	shards []*redigo.Pool
}

func openRedigo(addrs []string) (client, error) {
	r, err := placeByRing(addrs)
	c := redigoClient{ring: r}
	for _, addr := range addrs {
		c.shards = append(c.shards, &redigo.Pool{
			MaxIdle: 1000,
			Dial:    func() (redigo.Conn, error) { return redigo.Dial("tcp", addr) },
		})
	}
	return c, err
}

func (r redigoClient) do(key, command string, args ...any) (any, error) {
	conn := r.shards[r.ring.OwnerString(key)].Get()
	defer conn.Close()
	return conn.Do(command, args...)
}

// Get leaves the context alone: redigo's DoContext starts a goroutine a call,
// and plain users of a pool do without.
func (r redigoClient) Get(_ context.Context, key string) ([]byte, error) {
	return redigo.Bytes(r.do(key, "GET", key))
}

func (r redigoClient) Set(_ context.Context, key string, value []byte) error {
	_, err := r.do(key, "SET", key, value)
	return err
}

func (r redigoClient) Close() error {
	var errs []error
	for _, s := range r.shards {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// quiet drops what go-redis logs when its servers end before it does.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}
