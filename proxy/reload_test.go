package proxy_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestReloadAnswers: what a file changes is told, and which epoch is served; GET
// /config is the file in effect, whose passwords are not shown.
func TestReloadAnswers(t *testing.T) {
	servers := shardtest.RedisN(t, 2)
	each(t, func(t *testing.T, d engine.Driver) {
		r := reloads(t, d, poolOf(servers))
		same := r.take(poolOf(servers))
		if same.Epoch != 2 || len(same.Changes) != 0 || len(same.Restart) != 0 || len(same.Moved) != 0 {
			t.Errorf("the same file: %+v", same)
		}
		next := r.take(poolOf(servers, "timeout: 1s", "server_auth: sesame", "backlog: 99"), "loops: 3", "log_level: error")
		const changes = "shardproxy: loops 0 -> 3, log_level info -> error\npool cache: timeout 5s -> 1s, backlog 512 -> 99, server_auth none -> \"(redacted)\""
		if next.Epoch != 3 || strings.Join(next.Changes, "\n") != changes {
			t.Errorf("%+v", next)
		}
		// The loops were given by an option, which goes before the file.
		if want := "shardproxy: log_level info -> error; pool cache: backlog 512 -> 99"; strings.Join(next.Restart, "; ") != want {
			t.Errorf("needs a restart: %q, want %q", next.Restart, want)
		}
		shown := r.get("/config")
		wantText(t, shown, "epoch 3\n", "timeout: 1s", `server_auth: "(redacted)"`, "# with the next restart: pool cache: backlog 512 -> 99")
		if strings.Contains(shown, "sesame") || strings.Contains(r.log.String(), "sesame") {
			t.Error("the password is shown")
		}
		wantText(t, r.log.String(), `msg="configuration taken" by="POST /reload"`, "epoch=3", "pool cache: timeout 5s -> 1s")
		wantText(t, r.get("/"), "POST /reload", "GET  /config", "GET  /healthz")
		wantText(t, r.get("/healthz"), "ok")
		for path, want := range map[string]int{"/nosuch": 404, "/reload": 405} {
			resp, err := http.Get(r.url(path))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("GET %s: %d, want %d", path, resp.StatusCode, want)
			}
		}
		req, _ := http.NewRequest("POST", r.url("/reload"), nil)
		req.Header.Set("Origin", "http://elsewhere.example")
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		if resp, err := http.DefaultClient.Do(req); err != nil || resp.StatusCode != http.StatusForbidden {
			t.Errorf("a page of another site may reload: %v, %v", resp, err)
		}
	})
}

// TestReloadRefuses: a file that cannot be served changes nothing, and the answer
// says why.
func TestReloadRefuses(t *testing.T) {
	servers := shardtest.RedisN(t, 3)
	two := servers[:2]
	each(t, func(t *testing.T, d engine.Driver) {
		r := reloads(t, d, poolOf(two))
		keys := keysOf(t, &r.serving, two, 4)
		c := r.talk(t)
		for _, x := range []struct {
			name, file, query string
			status            int
			want              []string
		}{
			{"a misspelt key", poolOf(two, "tiemout: 1s"), "", 422, []string{r.path + ":6:3: unknown key \"tiemout\"", `did you mean "timeout"?`}},
			{"no YAML", "cache: {", "", 422, []string{r.path + ":3:"}},
			{"empty", "", "", 422, []string{"no pools"}},
			{"a rule of a user", poolOf(two, `users: [{name: a, rules: "+nosuch"}]`), "", 422, []string{"nosuch"}},
			{"an address in use", poolOf(two, "listen: "+servers[0].Addr), "", 422, []string{"pool cache: listen tcp " + servers[0].Addr}},
			{"nothing to serve", "library: {redis: true, shards: [{name: a, primary: h:1}]}\n", "", 422, []string{"no pool has listen:"}},
			{"memcached", cacheOf(two), "", 422, []string{"redis: false, and it serves with true: want another name, or a restart"}},
			{"another shard", poolOf(servers), "", 409, []string{"pool cache: 3", "% of the keyspace would move"}},
			{"another name", strings.Replace(poolOf(two), "name: two", "name: zwei", 1), "", 409, []string{"of the keyspace would move"}},
			{"another hash tag", poolOf(two, "hash_tag: none"), "", 409, []string{"pool cache: 100.0% of the keyspace would move", "tag"}},
			{"another database", poolOf(two, "redis_db: 3"), "", 409, []string{"redis_db 0 -> 3"}},
			{"a word that is not there", poolOf(two), "?accept=everything", 400, []string{"accept=everything: want accept=moved-keys"}},
		} {
			r.write(x.file)
			s := r.post(x.query)
			if s.status != x.status || s.Epoch != 1 {
				t.Errorf("%s: status %d, epoch %d; want %d, 1: %s", x.name, s.status, s.Epoch, x.status, s.Error)
			}
			wantText(t, s.Error, x.want...)
			if x.status == 409 && (len(s.Moved) != 1 || s.Moved[0].Pool != "cache" || s.Moved[0].Share <= 0) {
				t.Errorf("%s: moved %+v", x.name, s.Moved)
			}
			if strings.HasPrefix(x.want[0], r.path) && (len(s.Problems) == 0 || s.Problems[0].Line < 3 || s.Problems[0].Column < 1) {
				t.Errorf("%s: problems %+v", x.name, s.Problems)
			}
			for _, owned := range keys {
				c.expect("GET "+owned[0], fmt.Sprintf("%q", owned[0]))
			}
		}
		if err := os.Remove(r.path); err != nil {
			t.Fatal(err)
		}
		if s := r.post(""); s.status != 422 || !strings.Contains(s.Error, "no such file") {
			t.Errorf("no file: %d %s", s.status, s.Error)
		}
		wantText(t, r.log.String(), `msg="configuration refused, that of before stays"`)
		if n := strings.Count(r.get("/config"), "epoch 1\n"); n != 1 {
			t.Error("the epoch is not 1 any more")
		}
	})
}

// TestReloadMovesKeys: by either way of saying so; clients stay, and those that listen
// end, as the channel may be elsewhere.
func TestReloadMovesKeys(t *testing.T) {
	servers := shardtest.RedisN(t, 3)
	each(t, func(t *testing.T, d engine.Driver) {
		r := reloads(t, d, poolOf(servers[:1]))
		c, hears := r.talk(t), r.talk(t, "PSUBSCRIBE news*")
		c.say("MULTI", "SET a 1")
		c.hears("+OK", "+QUEUED")
		r.write(poolOf(servers[:2]))
		s := r.post("?accept=moved-keys")
		if s.status != 200 || len(s.Moved) != 1 || s.Moved[0].Share < 0.3 || s.Moved[0].Share > 0.7 {
			t.Fatalf("%+v", s)
		}
		wantText(t, strings.Join(s.Changes, "\n"), "pool cache: shard two added at "+servers[1].Addr)
		c.expect("EXEC", `[+OK]`)
		hears.hears("EOF")
		r.talk(t, "PSUBSCRIBE news*")
		s = r.take(poolOf(servers), "accept_moved_keys: true")
		c.expect("FLUSHALL", "+OK")
		keysOf(t, &r.serving, servers, 4) // each of the three owns some
		c.expect("DBSIZE", ":64")
		s = r.take(poolOf(servers[:2]), "accept_moved_keys: true")
		wantText(t, strings.Join(s.Changes, "\n"), "shard three removed")
		c.do("SCAN 0")
		c.expect("PING", "+PONG")
		r.take(poolOf(servers[:2], "redis_db: 3"), "accept_moved_keys: true")
		c.hears("EOF") // it was in the database of before
		n := r.talk(t)
		n.expect("SET k v", "+OK")
		n.expect("FLUSHALL", "+OK")
	})
}

// TestReloadListeners: clients stay while their pool's address changes, at once also
// with another pool's; a pool that is removed ends its clients after what they asked.
func TestReloadListeners(t *testing.T) {
	servers := shardtest.RedisN(t, 2)
	one, two := []string{servers[0].Addr}, []string{servers[1].Addr}
	each(t, func(t *testing.T, d engine.Driver) {
		a, b, path := free(t), free(t), filepath.Join(t.TempDir(), "s")
		r := reloads(t, d, onePool("p", a, one))
		c := talkTo(t, "tcp", a)
		c.expect("SET who one", "+OK")

		r.take(onePool("p", b, one))
		c.expect("GET who", `"one"`)
		talkTo(t, "tcp", b).expect("GET who", `"one"`)
		refused(t, "tcp", a)

		r.take(onePool("p", path, one) + onePool("q", a, two))
		refused(t, "tcp", b)
		talkTo(t, "unix", path).expect("GET who", `"one"`)
		q := talkTo(t, "tcp", a)
		q.expect("SET who two", "+OK")

		s := r.take(onePool("p", a, one) + onePool("q", path, two)) // each the other's
		if len(s.Changes) != 2 {
			t.Errorf("changes %q", s.Changes)
		}
		talkTo(t, "unix", path).expect("GET who", `"two"`)
		talkTo(t, "tcp", a).expect("GET who", `"one"`)
		c.expect("GET who", `"one"`)
		q.expect("GET who", `"two"`)

		r.take(onePool("renamed", a, one) + onePool("q", b, two))
		refused(t, "unix", path)
		if _, err := os.Lstat(path); err == nil {
			t.Error("the path of the socket is still there")
		}
		c.hears("EOF") // its pool is gone, whatever serves the same shard
		talkTo(t, "tcp", a).expect("GET who", `"one"`)

		// Requests under way are answered, whoever waits for something is not.
		waits := talkTo(t, "tcp", a)
		waits.say("BLPOP nothing 0")
		soon(t, "a client waits", func() bool {
			info, _ := redis.String(servers[0].Do("INFO", "clients"))
			return strings.Contains(info, "blocked_clients:1")
		})
		busy := talkTo(t, "tcp", a)
		busy.say("EVAL \"local t = redis.call('TIME')[1] + 1 while tonumber(redis.call('TIME')[1]) <= t do end return 1\" 1 k", "GET who")
		time.Sleep(50 * time.Millisecond)
		r.take(onePool("q", b, two))
		waits.hears("EOF")
		busy.hears(":1", `"one"`, "EOF")
		q.expect("GET who", `"two"`)
		soon(t, "the removed pool's connections are closed", func() bool {
			n, _ := redis.String(servers[0].Do("CLIENT", "LIST"))
			return strings.Count(n, "\n") == 1
		})
	})
}

// refused wants nobody to listen at an address.
func refused(t *testing.T, network, addr string) {
	t.Helper()
	soon(t, addr+" refuses", func() bool {
		c, err := net.Dial(network, addr)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
}

// TestReloadUsers: rules hold from the next request on; who is no longer there goes,
// after what it has asked.
func TestReloadUsers(t *testing.T) {
	servers := shardtest.RedisN(t, 1)
	each(t, func(t *testing.T, d engine.Driver) {
		users := func(lines ...string) string { return poolOf(servers, append([]string{"users:"}, lines...)...) }
		r := reloads(t, d, users(
			`  - {name: app, password: one, rules: "~* &* +@all"}`,
			`  - {name: old, password: one, rules: "~* &* +@all"}`))
		app, old := r.talk(t, "AUTH app one"), r.talk(t, "AUTH old one")
		hears := r.talk(t, "AUTH app one", "SUBSCRIBE c")
		anyone := r.talk(t)
		app.expect("SET k v", "+OK")
		r.take(users(`  - {name: app, password: two, rules: "~* &* +@all"}`, `  - {name: default, rules: "off"}`))
		app.expect("GET k", `"v"`)          // as with a server, who has logged in stays so
		anyone.expect("GET k", "-NOPERM …") // by the new rules
		old.hears("EOF")
		r.talk(t).expect("GET k", "-NOAUTH Authentication required.")
		r.talk(t).expect("AUTH app one", "-WRONGPASS …")
		r.talk(t, "AUTH app two").expect("GET k", `"v"`)
		app.expect("PUBLISH c x", ":1")
		hears.hears(`["message" "c" "x"]`)

		r.take(users(`  - {name: app, password: two, rules: "~* +get"}`))
		app.expect("GET k", `"v"`)
		app.expect("SET k w", "-NOPERM …")
		hears.hears("EOF") // it may not hear what it listens to
	})
}

// TestReloadWatch: the file alone, by rename and in place; what is wrong is refused,
// and moved keys too.
func TestReloadWatch(t *testing.T) {
	servers := shardtest.RedisN(t, 2)
	each(t, func(t *testing.T, d engine.Driver) {
		a, b := free(t), free(t)
		at := func(addr string) string { return poolOf(servers[:1], "listen: "+addr) }
		r := reloads(t, d, at(a), "watch: true")
		talkTo(t, "tcp", a).expect("SET k v", "+OK")
		r.write(at(b), "watch: true")
		soon(t, "it listens at the new address", func() bool { return strings.Contains(r.get("/config"), "epoch 2\n") })
		talkTo(t, "tcp", b).expect("GET k", `"v"`)

		r.write(at(b)+"nonsense", "watch: true")
		soon(t, "it is refused", func() bool { return strings.Contains(r.log.String(), "configuration refused") })
		r.write(poolOf(servers, "listen: "+b), "watch: true")
		soon(t, "it is refused", func() bool { return strings.Contains(r.log.String(), "of the keyspace would move") })
		wantText(t, r.get("/config"), "epoch 2\n")

		data, err := os.ReadFile(r.path)
		if err != nil {
			t.Fatal(err)
		}
		file, err := os.Create(r.path) // in place, slowly
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		for _, part := range strings.SplitAfter(strings.Replace(string(data), "watch: true", "watch: true\n  accept_moved_keys: true", 1), "\n") {
			if _, err := file.WriteString(part); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		soon(t, "it is taken", func() bool { return strings.Contains(r.get("/config"), "epoch 3\n") })
		wantText(t, r.log.String(), "by=watch", "shard two added at "+servers[1].Addr)
	})
}
