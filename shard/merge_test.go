package shard

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/shardtest"
)

// TestSlowlogHasAsManyEntriesAsAskedFor, of all shards together.
func TestSlowlogHasAsManyEntriesAsAskedFor(t *testing.T) {
	c, servers := start(t, 3, nil)
	for i, s := range servers {
		must(t)(s.Do("SLOWLOG", "RESET"))
		must(t)(s.Do("CONFIG", "SET", "slowlog-log-slower-than", 0))
		for range 3 + i {
			must(t)(s.Do("ECHO", "x"))
		}
		must(t)(s.Do("CONFIG", "SET", "slowlog-log-slower-than", -1))
	}
	// Each has its ECHOs, and at most a CONFIG SET before and after.
	for _, x := range []struct {
		args        []any
		least, most int
	}{{[]any{"GET", 7}, 7, 7}, {[]any{"GET"}, 10, 10}, {[]any{"GET", -1}, 12, 18}, {[]any{"GET", 100}, 12, 18}, {[]any{"GET", 0}, 0, 0}} {
		entries, err := redis.Values(c.Do(bg, "SLOWLOG", x.args...))
		if len(entries) < x.least || len(entries) > x.most || err != nil {
			t.Errorf("SLOWLOG %v: %d entries, %v; want %d to %d", x.args, len(entries), err, x.least, x.most)
		}
	}
}

// TestHistogramIsOfAllShards: the calls of all, in the form of one server.
func TestHistogramIsOfAllShards(t *testing.T) {
	c, servers := start(t, 3, nil)
	must(t)(c.Do(bg, "CONFIG", "RESETSTAT"))
	for i := range 30 {
		must(t)(c.Do(bg, "SET", fmt.Sprint("k:", i), i))
	}
	one, err := redis.Values(servers[0].Do("LATENCY", "HISTOGRAM", "set"))
	if err != nil || len(one) != 2 {
		t.Fatalf("one server: %q, %v", one, err)
	}
	values, err := redis.Values(c.Do(bg, "LATENCY", "HISTOGRAM", "set", "nosuch"))
	if err != nil {
		t.Fatal(err)
	}
	var name string
	var fields []any
	var calls int64
	var within []int64
	if _, err = redis.Scan(values, &name, &fields); err == nil {
		_, err = redis.Scan(fields, nil, &calls, nil, &within)
	}
	if len(values) != 2 || name != "set" || calls != 30 || err != nil || len(within) < 2 || within[len(within)-1] != 30 {
		t.Errorf("%q: %d calls, %v, %v", name, calls, within, err)
	}
	if none, err := redis.Values(c.Do(bg, "LATENCY", "HISTOGRAM", "nosuch")); len(none) != 0 || err != nil {
		t.Errorf("of no command: %v, %v", none, err)
	}
}

// TestKillTellsTheFirstErrorThatSaysMore than that no script runs.
func TestKillTellsTheFirstErrorThatSaysMore(t *testing.T) {
	c, servers := start(t, 4, nil)
	if reply, err := c.Do(bg, "SCRIPT", "KILL"); err == nil || err.Error() != "NOTBUSY No scripts in execution right now." || reply != err {
		t.Errorf("nothing runs: %v, %v", reply, err)
	}
	for _, s := range servers[1:3] {
		must(t)(s.Do("ACL", "SETUSER", "default", "-script"))
	}
	if _, err := c.Do(bg, "SCRIPT", "KILL"); err == nil || !strings.HasPrefix(err.Error(), "NOPERM shard 'shard-1': ") {
		t.Errorf("two shards refuse: %v", err)
	}
}

// TestKillReachesWhatRuns: a script that this client has sent can be ended by it, and a
// function be seen, although they have the shared line to themselves.
func TestKillReachesWhatRuns(t *testing.T) {
	servers := shardtest.RedisN(t, 2, shardtest.Password("pw"), shardtest.Args("--busy-reply-threshold", "20"))
	c := over(t, servers, func(cfg *Config) { cfg.Password, cfg.Database = "pw", 3 })
	k := key(c, "shard-1", 0)
	must(t)(c.Do(bg, "FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('spin', function() while true do end end)"))
	for _, x := range []struct {
		kill string
		run  []any
	}{{"SCRIPT", []any{"EVAL", "while true do end", 1, k}}, {"FUNCTION", []any{"FCALL", "spin", 1, k}}} {
		ended := make(chan error, 1)
		go func() {
			_, err := c.Do(bg, x.run[0].(string), x.run[1:]...)
			ended <- err
		}()
		eventually(t, "it runs", func() bool {
			reply, err := redis.Values(c.Do(bg, "FUNCTION", "STATS"))
			return err != nil && strings.HasPrefix(err.Error(), "BUSY") || err == nil && reply[1] != nil
		})
		if reply, err := c.Do(bg, x.kill, "KILL"); reply != "OK" || err != nil {
			t.Errorf("%s KILL: %v, %v", x.kill, reply, err)
		}
		if err := <-ended; err == nil || !strings.Contains(err.Error(), "killed by user") {
			t.Errorf("%s: %v", x.run[0], err)
		}
	}
	must(t)(c.Do(bg, "SET", k, 1))
}
