package shard

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
)

func crossReads(c *Config) { c.CrossShardReads = true }

// TestCrossShardReads: every command over two shards, by Do, by a pipeline and
// by a redis.Conn. Package crossread has the details.
func TestCrossShardReads(t *testing.T) {
	c, _ := start(t, 2, crossReads)
	a, b, d := key(c, "shard-0", 0), key(c, "shard-1", 0), key(c, "shard-0", 1)
	za, zb := key(c, "shard-0", 2), key(c, "shard-1", 2)
	ha, hb := key(c, "shard-0", 3), key(c, "shard-1", 3)
	must(t)(c.Do(bg, "SADD", a, "x", "y"))
	must(t)(c.Do(bg, "SADD", b, "y", "z"))
	must(t)(c.Do(bg, "SADD", d, "x"))
	must(t)(c.Do(bg, "ZADD", za, 0.1, "x", 5, "y"))
	must(t)(c.Do(bg, "ZADD", zb, 0.2, "x", 1, "z"))
	must(t)(c.Do(bg, "PFADD", ha, "p", "q"))
	must(t)(c.Do(bg, "PFADD", hb, "q", "r"))
	strs := func(all ...string) any {
		values := []any{}
		for _, s := range all {
			values = append(values, []byte(s))
		}
		return values
	}
	conn := c.Get()
	defer conn.Close()
	for _, step := range []struct {
		cmd  string
		args []any
		want any
	}{
		{"SUNION", []any{a, b, d}, strs("x", "y", "z")},
		{"sinter", []any{[]byte(a), b}, strs("y")},
		{"SDIFF", []any{a, b, d}, strs()},
		{"SINTERCARD", []any{2, a, b, "LIMIT", 5}, int64(1)},
		{"ZUNION", []any{2, za, zb, "WITHSCORES"}, strs("x", "0.30000000000000004", "z", "1", "y", "5")},
		{"ZINTER", []any{3, za, zb, a, "WEIGHTS", 1, 1, 0.5}, strs("x")},
		{"ZDIFF", []any{2, za, zb, "WITHSCORES"}, strs("y", "5")},
		{"ZINTERCARD", []any{2, za, zb}, int64(1)},
		{"PFCOUNT", []any{ha, hb, "missing"}, int64(3)},
		{"SUNION", []any{a, d}, strs("x", "y")}, // on one shard
	} {
		byDo, err := c.Do(bg, step.cmd, step.args...)
		if err != nil {
			t.Errorf("%s: %v", step.cmd, err)
		}
		byPipeline, err := c.Pipeline().Add("PING").Add(step.cmd, step.args...).Add("GET", "missing").Exec(bg)
		if err != nil {
			t.Errorf("%s in a pipeline: %v", step.cmd, err)
		}
		byConn, err := conn.Do(step.cmd, step.args...)
		if err != nil {
			t.Errorf("%s on a connection: %v", step.cmd, err)
		}
		for _, have := range []any{byDo, byPipeline[1].Value, byConn} {
			if step.cmd == "SUNION" {
				have = bytesOfStrings(sorted(have))
			}
			if !reflect.DeepEqual(have, step.want) {
				t.Errorf("%s %v: %q, want %q", step.cmd, step.args, have, step.want)
			}
		}
	}
}

// bytesOfStrings turns what sorted returns back into a reply.
func bytesOfStrings(v any) any {
	all, ok := v.([]string)
	if !ok {
		return v
	}
	values := make([]any, len(all))
	for i, s := range all {
		values[i] = []byte(s)
	}
	return values
}

// TestCrossShardReadErrors: a server's own words where one server would have
// them, the shard's name where the shard is to blame.
func TestCrossShardReadErrors(t *testing.T) {
	servers := shardtest.RedisN(t, 1)
	servers = append(servers, shardtest.Redis(t, shardtest.Args("--rename-command", "SINTER", "")))
	c := over(t, servers, crossReads)
	a, b := key(c, "shard-0", 0), key(c, "shard-1", 0)
	must(t)(c.Do(bg, "SET", b, "string"))
	for _, x := range []struct{ line, want string }{
		{"SUNION %s %s", "WRONGTYPE Operation against a key holding the wrong kind of value"},
		{"ZUNION 2 %s %s nonsense", "WRONGTYPE Operation against a key holding the wrong kind of value"},
		{"PFCOUNT %s %s", "WRONGTYPE Key is not a valid HyperLogLog string value."},
		{"SINTERCARD 2 %s %s LIMIT -1", "ERR LIMIT can't be negative"},
		{"ZUNION 0 %s %s", "ERR at least 1 input key is needed for 'zunion' command"},
		{"SINTER %s %s", "ERR shard 'shard-1': unknown command 'SINTER', with args beginning with: '" + b + "' "},
		{"SUNIONSTORE %s %s", string(ErrCrossSlot)},
		{"RENAME %s %s", string(ErrCrossSlot)},
	} {
		f := strings.Fields(fmt.Sprintf(x.line, a, b))
		reply, err := c.Do(bg, f[0], redis.Args{}.AddFlat(f[1:])...)
		if e, ok := err.(redis.Error); !ok || reply != e || string(e) != x.want {
			t.Errorf("%s: %v, %v; want %s", x.line, reply, err, x.want)
		}
	}
	servers[1].Kill()
	if _, err := c.Do(bg, "SUNION", a, b); !isShardError(err, "shard-1", true) {
		t.Errorf("with a dead shard: %v", err)
	}
}

func TestCrossShardReadsOfAFile(t *testing.T) {
	for _, want := range []bool{true, false} {
		f, err := config.Parse("pools.yml", fmt.Appendf(nil, "a:\n  redis: true\n  cross_shard_reads: %v\n  shards:\n    - {name: a, primary: h:1}\n", want))
		if err != nil {
			t.Fatal(err)
		}
		if have := ConfigOf(f.Pools[0]).CrossShardReads; have != want {
			t.Errorf("cross_shard_reads: %v gives %v", want, have)
		}
	}
}
