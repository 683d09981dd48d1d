package fleet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/shardtest"
)

// DownAfter is when a Sentinel takes a server for down.
const DownAfter = time.Second

// startSentinels starts them, each watching every shard, and waits until they know
// each other and all replicas.
func (f *Fleet) startSentinels(ctx context.Context) error {
	var conf []string
	quorum := f.Spec.Sentinels/2 + 1
	for _, s := range f.Shards {
		host, port, err := net.SplitHostPort(s.Nodes[0].Addr)
		if err != nil {
			return err
		}
		conf = append(conf,
			fmt.Sprintf("sentinel monitor %s %s %s %d", s.Name, host, port, quorum),
			fmt.Sprintf("sentinel down-after-milliseconds %s %d", s.Name, DownAfter.Milliseconds()),
			fmt.Sprintf("sentinel failover-timeout %s 6000", s.Name),
			fmt.Sprintf("sentinel parallel-syncs %s 2", s.Name))
	}
	if f.network != nil {
		conf = append(conf, "protected-mode no")
	}
	for range f.Spec.Sentinels {
		n, err := f.start(ctx, shardtest.Spec{Program: "redis-sentinel", Install: "apt-get install -y redis-sentinel"}, conf)
		if err != nil {
			return err
		}
		f.Sentinels = append(f.Sentinels, n)
	}
	for _, n := range f.Sentinels {
		if err := await(ctx, 20*time.Second, func() error { return f.knowsAll(n) }); err != nil {
			return err
		}
	}
	var err error
	f.watched, err = watch(f.Sentinels)
	return err
}

func (f *Fleet) knowsAll(sentinel *Node) error {
	for _, s := range f.Shards {
		fields, err := redis.StringMap(sentinel.Do("SENTINEL", "MASTER", s.Name))
		if err != nil {
			return err
		}
		if fields["num-slaves"] != fmt.Sprint(f.Spec.Replicas) || fields["num-other-sentinels"] != fmt.Sprint(f.Spec.Sentinels-1) {
			return fmt.Errorf("sentinel %s knows %s replicas of %s and %s other sentinels", sentinel.Addr, fields["num-slaves"], s.Name, fields["num-other-sentinels"])
		}
	}
	return nil
}

// watched hears of switches from every Sentinel. One goroutine a Sentinel, ended by
// close.
type watched struct {
	conns   []redis.Conn
	running sync.WaitGroup

	mu       sync.Mutex // protects the following
	switches map[string][]time.Time
}

func watch(sentinels []*Node) (*watched, error) {
	w := &watched{switches: map[string][]time.Time{}}
	for _, s := range sentinels {
		c, err := redis.Dial("tcp", s.Addr, redis.DialConnectTimeout(2*time.Second))
		if err == nil {
			w.conns = append(w.conns, c)
			err = redis.PubSubConn{Conn: c}.Subscribe("+switch-master")
		}
		if err != nil {
			w.close()
			return nil, err
		}
		w.running.Go(func() { w.hear(redis.PubSubConn{Conn: c}) })
	}
	return w, nil
}

func (w *watched) hear(c redis.PubSubConn) {
	for {
		switch m := c.Receive().(type) {
		case redis.Message:
			shard, _, _ := strings.Cut(string(m.Data), " ")
			w.mu.Lock()
			w.switches[shard] = append(w.switches[shard], time.Now())
			w.mu.Unlock()
		case error:
			return
		}
	}
}

func (w *watched) close() {
	for _, c := range w.conns {
		_ = c.Close()
	}
	w.running.Wait()
}

// ErrNoSwitch: no Sentinel told of a new primary.
var ErrNoSwitch = errors.New("no Sentinel told of a switch")

// Switch waits for the first Sentinel that tells of a new primary of the shard after
// since, and returns when it did.
func (f *Fleet) Switch(ctx context.Context, shard *Shard, since time.Time, limit time.Duration) (at time.Time, err error) {
	err = await(ctx, limit, func() error {
		f.watched.mu.Lock()
		defer f.watched.mu.Unlock()
		all := f.watched.switches[shard.Name]
		i := slices.IndexFunc(all, func(t time.Time) bool { return t.After(since) })
		if i < 0 {
			return ErrNoSwitch
		}
		at = all[i]
		return nil
	})
	return at, err
}
