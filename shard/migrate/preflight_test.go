package migrate

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

// sound is what is judged where nothing is wrong.
func sound() judged {
	node := func(id string) facts {
		return facts{
			info: map[string]string{
				"run_id": id, "redis_version": "7.0.15", "redis_mode": "standalone", "cluster_enabled": "0", "role": "master", "connected_slaves": "0",
				"used_memory": "1000000", "used_memory_rss": "2000000", "total_system_memory": "100000000", "maxmemory": "0",
				"maxmemory_policy": "noeviction", "repl_backlog_size": "1048576",
			},
			config: map[string]string{"replica-read-only": "yes", "databases": "16", "appendonly": "no", "save": "",
				"client-output-buffer-limit": "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
			users:   map[string]string{"default": "on nopass ~* &* +@all"},
			modules: map[string]string{},
		}
	}
	return judged{Header: Header{Source: "10.0.0.1:1", Target: "10.0.0.2:1", Way: ByPause}, source: node("a"), target: node("b")}
}

// TestJudge: what is wrong is found, and its line says what to do.
func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*judged)
		want   Verdict
		line   string
	}{
		{"nothing", func(*judged) {}, OK, "7.0.15 to 7.0.15"},
		{"older", func(j *judged) { j.target.info["redis_version"] = "6.2.13" }, Refuse, "install 7.0.15 or later there"},
		{"newer", func(j *judged) { j.target.info["redis_version"] = "7.2.1" }, OK, "7.0.15 to 7.2.1"},
		{"as old in two digits", func(j *judged) {
			j.source.info["redis_version"], j.target.info["redis_version"] = "7.0.9", "7.0.10"
		}, OK, "7.0.9 to 7.0.10"},
		{"a module", func(j *judged) { j.source.modules["search"] = "20815" }, Refuse, "the target lacks search 20815: load them there"},
		{"Cluster", func(j *judged) {
			j.source.info["cluster_enabled"], j.source.info["redis_mode"] = "1", "cluster"
		}, Refuse, "start it with cluster-enabled no"},
		{"a Sentinel", func(j *judged) { j.target.info["redis_mode"] = "sentinel" }, Refuse, "is a Sentinel, which holds no data: name a redis-server"},
		{"a wrong login", func(j *judged) { j.source.err = redis.Error("WRONGPASS invalid") }, Refuse, "correct it in the file"},
		{"not even INFO", func(j *judged) { j.source.err = redis.Error("NOPERM") }, Refuse, "ACL SETUSER +ping +info there"},
		{"no REPLICAOF", func(j *judged) {
			j.user, j.source.denied = "mover", map[string]string{"REPLICAOF": "may not", "GET": "may not", "TYPE": "may not", "FAILOVER": "may not"}
		}, Refuse, "user mover may not REPLICAOF, TYPE, GET at 10.0.0.1:1: ACL SETUSER mover +replicaof +@read ~* there"},
		{"no CLIENT PAUSE, by the fence", func(j *judged) {
			j.Way, j.source.denied = ByFence, map[string]string{"CLIENT PAUSE": "may not"}
		}, OK, "all that the fence way needs"},
		{"no CLIENT PAUSE at the target", func(j *judged) { j.target.denied = map[string]string{"CLIENT PAUSE": "may not"} }, OK, "all that the pause way needs"},
		{"CLIENT is renamed", func(j *judged) { j.source.denied = map[string]string{"CLIENT PAUSE": "is not there"} }, Refuse, "has no CLIENT PAUSE, which the pause way needs: take another one with --switch"},
		{"addresses", func(j *judged) { j.apart = "another machine" }, Refuse, "another machine"},
		{"itself", func(j *judged) { j.target.info["run_id"] = "a" }, Refuse, "are the same server"},
		{"no login", func(j *judged) { j.target.err = fmt.Errorf("PING: %w", redis.Error("NOAUTH Authentication required.")) }, Refuse, "set requirepass or the ACL user at 10.0.0.2:1"},
		{"down", func(j *judged) { j.target.err = errors.New("connection refused") }, Refuse, "connection refused: start it"},
		{"loading", func(j *judged) { j.source.err = redis.Error("LOADING Redis is loading") }, Refuse, "wait until it has"},
		{"a source that is a replica", func(j *judged) {
			j.source.info["role"], j.source.info["master_host"], j.source.info["master_port"] = "slave", "10.0.0.3", "1"
		}, Refuse, "is a replica of 10.0.0.3:1"},
		{"keys", func(j *judged) { j.target.info["db3"] = "keys=7,expires=0,avg_ttl=0" }, Refuse, "it has 7 keys"},
		{"keys that may go", func(j *judged) { j.target.info["db3"], j.Flush = "keys=7,expires=0,avg_ttl=0", true }, Warn, "will be lost"},
		{"functions", func(j *judged) { j.target.functions = 2 }, Refuse, "2 libraries of functions"},
		{"a replica already", func(j *judged) { j.isReplica, j.target.info["db0"] = true, "keys=7,expires=0,avg_ttl=0" }, OK, "a replica of the source already"},
		{"too little memory", func(j *judged) { j.target.info["total_system_memory"] = "2500000" }, Refuse, "take a bigger one"},
		{"little memory", func(j *judged) { j.target.info["total_system_memory"] = "3500000" }, Warn, "less than twice as much"},
		{"maxmemory", func(j *judged) { j.target.info["maxmemory"] = "900000" }, Refuse, "CONFIG SET maxmemory 1250000 there"},
		{"no room for a fork", func(j *judged) { j.source.info["total_system_memory"] = "2500000" }, Warn, "may need as much again"},
		{"a short backlog", func(j *judged) { j.rate = 1 << 20 }, Warn, "CONFIG SET repl-backlog-size 10485760 at the source"},
		{"a short buffer", func(j *judged) { j.rate = 300 << 20 }, Warn, "CONFIG SET client-output-buffer-limit"},
		{"a replica that takes writes", func(j *judged) { j.source.config["replica-read-only"] = "no" }, Refuse, "CONFIG SET replica-read-only yes there"},
		{"CONFIG is forbidden", func(j *judged) { j.source.configErr = redis.Error("NOPERM") }, Refuse, "--switch failover does not"},
		{"CONFIG is forbidden, by failover", func(j *judged) { j.source.configErr, j.Way = redis.Error("NOPERM"), ByFailover }, Warn, "cannot be checked"},
		{"databases", func(j *judged) { j.target.config["databases"] = "4" }, Refuse, "start the target with --databases 16"},
		{"a setting", func(j *judged) { j.target.config["save"] = "60 1" }, Warn, `save "" here "60 1" there; not copied: --copy-config does`},
		{"a user", func(j *judged) { j.source.users["app"] = "on +get" }, Warn, "replication does not carry app"},
		{"clocks", func(j *judged) { j.source.skew = 2 * time.Second }, Warn, "2s apart"},
		{"a Sentinel that is not listed", func(j *judged) { j.source.sentinels = 3 }, Refuse, "list it as sentinels: in the pool"},
		{"Sentinels that do not watch", func(j *judged) { j.sentinels = true }, Refuse, "see that they watch the shard"},
	} {
		j := sound()
		c.change(&j)
		r := &Report{Header: j.Header}
		judge(r, j)
		found := false
		for _, check := range r.Checks {
			if strings.Contains(check.Found, c.line) {
				found = true
				if check.Verdict != c.want {
					t.Errorf("%s: %s: %s, want %s", c.name, check.Found, check.Verdict, c.want)
				}
			}
		}
		if !found {
			t.Errorf("%s: no line has %q: %v", c.name, c.line, r.Checks)
		}
		if refused := r.Refused() != nil; refused != (c.want == Refuse) {
			t.Errorf("%s: refused %v: %v", c.name, refused, r.Refused())
		}
	}
}

func TestWay(t *testing.T) {
	for _, c := range []struct {
		asked     Way
		version   string
		sentinels bool
		want      Way
		fits      bool
	}{
		{Auto, "7.0.15", false, ByPause, true},
		{Auto, "6.2.0", false, ByPause, true},
		{Auto, "6.0.16", false, ByFence, true},
		{ByPause, "6.0.16", false, ByPause, false},
		{ByFailover, "6.0.16", false, ByFailover, false},
		{ByFence, "7.0.15", false, ByFence, true},
		{Auto, "7.0.15", true, BySentinels, true},
		{ByPause, "7.0.15", true, BySentinels, false},
	} {
		j := sound()
		j.source.info["redis_version"], j.sentinels = c.version, c.sentinels
		if have, err := wayFor(c.asked, j), wayFits(c.asked, j); have != c.want || (err == nil) != c.fits {
			t.Errorf("%q at %s: %s, %v, want %s", c.asked, c.version, have, err, c.want)
		}
	}
}

func TestInUse(t *testing.T) {
	list := "id=3 addr=1.1.1.1:1 name=sentinel-abc-cmd flags=N cmd=publish user=default\n" +
		"id=4 addr=1.1.1.1:2 name= flags=N cmd=info user=default\n" +
		"id=5 addr=1.1.1.1:3 name= flags=N cmd=get user=default\n" +
		"id=6 addr=1.1.1.1:4 name= flags=M cmd=set user=default\n" +
		"id=7 addr=1.1.1.1:5 name= flags=N cmd=client|list user=default\n"
	if have := inUse(list); !reflect.DeepEqual(have, []string{"1.1.1.1:3"}) {
		t.Errorf("%v", have)
	}
}
