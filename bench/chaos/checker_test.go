package main

import (
	"context"
	"testing"
	"time"

	"github.com/shardring/shardring/bench/chaos/internal/fleet"
	"github.com/shardring/shardring/bench/chaos/internal/history"
	"github.com/shardring/shardring/bench/chaos/internal/load"
	"github.com/shardring/shardring/shard/shardtest/program"
)

// TestBrokenProxyIsFound puts a proxy that is wrong now and then between the clients
// and shardproxy: the history must say so, and must not of one that is never wrong.
func TestBrokenProxyIsFound(t *testing.T) {
	f, err := fleet.Start(context.Background(), fleet.Spec{Shardproxy: shardproxy(t), Shards: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, test := range map[string]struct {
		rule rule
		want []history.Kind // one of them, at least
	}{
		"honest":               {rule{"", honest}, nil},
		"replies swapped":      {rule{"GET MGET LRANGE SET", swap2}, []history.Kind{history.Foreign, history.Malformed}},
		"INCR sent twice":      {rule{"INCR", again}, []history.Kind{history.Twice}},
		"RPUSH sent twice":     {rule{"RPUSH", again}, []history.Kind{history.Twice}},
		"SET sent again later": {rule{"SET", replay}, []history.Kind{history.Stale, history.Lost}},
		"SET dropped":          {rule{"SET", forget}, []history.Kind{history.Stale, history.Lost}},
		"MSET dropped":         {rule{"MSET", forget}, []history.Kind{history.Stale, history.Lost}},
		"old value":            {rule{"GET MGET", oldValue}, []history.Kind{history.Stale}},
		"executed, denied":     {rule{"SET INCR RPUSH MSET", deny}, []history.Kind{history.Undone, history.Twice}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, n := range f.Nodes() {
				if _, err := n.Do("FLUSHALL"); err != nil {
					t.Fatal(err)
				}
			}
			b := startBroken(t, f.Proxy.Addr, test.rule)
			defer b.stop()
			v := shortLoad(t, f, b.listener.Addr().String())
			if len(test.want) == 0 {
				if v.Wrong != 0 {
					t.Fatalf("%d wrong, the first is %v", v.Wrong, v.Violations[0])
				}
				return
			}
			if b.spoilt.Load() == 0 {
				t.Fatal("nothing was spoilt")
			}
			found := map[history.Kind]bool{}
			for _, violation := range v.Violations {
				found[violation.Kind] = true
			}
			for _, kind := range test.want {
				if found[kind] {
					return
				}
			}
			t.Errorf("%d spoilt and %d found, of kinds %v; want one of %v", b.spoilt.Load(), v.Wrong, found, test.want)
		})
	}
}

// shortLoad runs clients for a moment and audits what they left.
func shortLoad(t *testing.T, f *fleet.Fleet, proxy string) history.Verdict {
	t.Helper()
	l, err := load.Start(load.Spec{Proxy: proxy, File: f.Proxy.ConfigPath(), Pool: "chaos", Think: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	time.Sleep(500 * time.Millisecond)
	resume := l.Rest()
	r := &run{fleet: f, load: l}
	if err := r.audit(); err != nil {
		t.Error(err)
	}
	resume()
	l.Stop()
	v := l.Verdict()
	if v.Acked < 50 || v.Reads < 50 {
		t.Errorf("only %d writes and %d answers to reads", v.Acked, v.Reads)
	}
	return v
}

// shardproxy builds the proxy for a test.
func shardproxy(t *testing.T) string {
	t.Helper()
	binary, err := program.Build(context.Background(), t.TempDir(), program.Shardproxy)
	if err != nil {
		t.Fatal(err)
	}
	return binary
}
