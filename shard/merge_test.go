package shard

import (
	"fmt"
	"testing"

	"github.com/gomodule/redigo/redis"
)

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
