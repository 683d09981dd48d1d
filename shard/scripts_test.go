package shard

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gomodule/redigo/redis"
)

func TestScriptsAreSentAgain(t *testing.T) {
	c, servers := start(t, 3, nil)
	source := `return {KEYS[1], redis.call("INCR", KEYS[1])}`
	digest := must(t)(redis.String(c.Do(bg, "SCRIPT", "LOAD", source))).(string)
	keys := []string{key(c, "shard-0", 0), key(c, "shard-1", 0), key(c, "shard-2", 0)}
	run := func(want int, cmd string) {
		t.Helper()
		for _, k := range keys {
			if v, err := redis.Values(c.Do(bg, cmd, digest, 1, k)); err != nil || v[1] != int64(want) {
				t.Errorf("%s for %s: %v, %v", cmd, k, v, err)
			}
		}
	}
	run(1, "EVALSHA")
	for _, s := range servers { // behind the client's back
		must(t)(s.Do("SCRIPT", "FLUSH"))
	}
	run(2, "evalsha")
	digest = strings.ToUpper(digest)
	for _, s := range servers {
		must(t)(s.Do("SCRIPT", "FLUSH"))
	}
	run(3, "EVALSHA")
	if v, err := redis.Values(redis.NewScript(1, source).Do(c.Get(), keys[0])); err != nil || v[1] != int64(4) {
		t.Errorf("redigo's script: %v, %v", v, err)
	}
	for _, cmd := range []string{"EVAL", "EVAL_RO"} {
		must(t)(c.Do(bg, cmd, "return '"+cmd+"'", 0))
		must(t)(servers[0].Do("SCRIPT", "FLUSH"))
		must(t)(servers[1].Do("SCRIPT", "FLUSH"))
		must(t)(servers[2].Do("SCRIPT", "FLUSH"))
		sha := redis.NewScript(0, "return '"+cmd+"'").Hash()
		if s, err := redis.String(c.Do(bg, strings.Replace(cmd, "EVAL", "EVALSHA", 1), sha, 0)); s != cmd || err != nil {
			t.Errorf("%s without keys: %s, %v", cmd, s, err)
		}
	}
	must(t)(c.Do(bg, "SCRIPT", "FLUSH"))
	if _, err := c.Do(bg, "EVALSHA", digest, 1, keys[0]); err == nil || !strings.HasPrefix(err.Error(), "NOSCRIPT") {
		t.Errorf("after SCRIPT FLUSH: %v", err)
	}
	// A script that has changed something and says NOSCRIPT is not run again.
	must(t)(c.Do(bg, "DEL", keys[0]))
	liar := `redis.call("INCR", KEYS[1]); return redis.error_reply("NOSCRIPT of my own")`
	must(t)(c.Do(bg, "SCRIPT", "LOAD", liar))
	c.Do(bg, "EVALSHA", redis.NewScript(1, liar).Hash(), 1, keys[0])
	if n, err := redis.Int(c.Do(bg, "GET", keys[0])); n != 1 || err != nil {
		t.Errorf("executed %d times: %v", n, err)
	}
}

func TestScriptsAreForgottenOldestFirst(t *testing.T) {
	var s scripts
	for i := range 3 * maxScripts {
		s.add(fmt.Appendf(nil, "return %d", i))
		s.add([]byte("return 0"))
	}
	if len(s.digests) != maxScripts || len(s.sources) != maxScripts || len(s.order) != maxScripts {
		t.Errorf("%d, %d, %d scripts", len(s.digests), len(s.sources), len(s.order))
	}
	s.add(make([]byte, maxScriptBytes))
	if len(s.sources) != 1 || s.bytes != maxScriptBytes {
		t.Errorf("%d scripts of %d bytes", len(s.sources), s.bytes)
	}
	s.add(make([]byte, maxScriptBytes+1))
	if len(s.sources) != 1 || s.bytes != maxScriptBytes {
		t.Errorf("%d scripts of %d bytes", len(s.sources), s.bytes)
	}
}
