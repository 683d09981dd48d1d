package proxy_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// says writes a request and expects this reply. As many bytes are read, and where a line
// of want ends in …, the rest of a line.
func (c *cacheConn) says(t *testing.T, request, want string) {
	t.Helper()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	go io.WriteString(c, request)
	for line := range strings.Lines(want) {
		got, err := c.r.ReadString('\n')
		start, open := strings.CutSuffix(line, "…\r\n")
		if err != nil || got != line && !(open && strings.HasPrefix(got, start)) {
			t.Fatalf("%.200q was answered %.300q, %v; want %.300q", request, got, err, line)
		}
	}
}

// cacheKeys returns n keys of each shard, which it stores through the proxy with
// themselves as values.
func cacheKeys(t *testing.T, c *cacheConn, servers []*shardtest.Server, n int) [][]string {
	t.Helper()
	owned := make([][]string, len(servers))
	conns := make([]*cacheConn, len(servers))
	for i, s := range servers {
		conns[i] = dialCache(t, s.Addr)
	}
	for k, missing := 0, len(servers); missing > 0; k++ {
		key := fmt.Sprintf("key:%d", k)
		c.says(t, fmt.Sprintf("set %s 0 0 %d\r\n%s\r\n", key, len(key), key), "STORED\r\n")
		for i, at := range conns {
			at.SetDeadline(time.Now().Add(20 * time.Second))
			io.WriteString(at, "mg "+key+"\r\n")
			if line, err := at.r.ReadString('\n'); err != nil {
				t.Fatal(err)
			} else if line == "HD\r\n" && len(owned[i]) < n {
				if owned[i] = append(owned[i], key); len(owned[i]) == n {
					missing--
				}
			}
		}
	}
	return owned
}

func valueOf(key string) string { return fmt.Sprintf("VALUE %s 0 %d\r\n%s\r\n", key, len(key), key) }

// TestMemcachedShardDown: keys of a shard that is down are misses or errors as the pool
// says, what changes something is an error, and the connection stays.
func TestMemcachedShardDown(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		servers := memcachedN(t, 3)
		miss := dialCache(t, serve(t, d, cacheOf(servers)).addr)
		errs := dialCache(t, serve(t, d, cacheOf(servers, "on_shard_error: error")).addr)
		keys := cacheKeys(t, miss, servers, 2)
		a, b, gone := keys[0][0], keys[2][0], keys[1][0]
		all := "get " + a + " " + gone + " " + b + "\r\n"
		for _, c := range []*cacheConn{miss, errs} {
			c.says(t, all, valueOf(a)+valueOf(gone)+valueOf(b)+"END\r\n")
		}
		servers[1].Kill()
		for range 3 { // lost, refused, refused at once
			miss.says(t, all, valueOf(a)+valueOf(b)+"END\r\n")
			miss.says(t, "get "+gone+"\r\ngets "+a+"\r\n", "END\r\nVALUE "+a+" …\r\n"+a+"\r\nEND\r\n")
			miss.says(t, "mg "+gone+" v Oab k\r\nmg "+gone+" v q\r\nmn\r\n", "EN Oab k"+gone+"\r\nMN\r\n")
			errs.says(t, all, "SERVER_ERROR shard 'two' at …\r\n")
			errs.says(t, "get "+gone+"\r\nmg "+gone+" v q\r\nmn\r\n", "SERVER_ERROR shard 'two' at …\r\nSERVER_ERROR shard 'two' at …\r\nMN\r\n")
			for _, c := range []*cacheConn{miss, errs} {
				c.says(t, "set "+gone+" 0 0 1\r\nx\r\n", "SERVER_ERROR shard 'two' at …\r\n")
				c.says(t, "set "+gone+" 0 0 1 noreply\r\nx\r\ndelete "+gone+"\r\n", "SERVER_ERROR shard 'two' at …\r\n")
				c.says(t, "flush_all 1000\r\n", "SERVER_ERROR shard 'two' at …\r\n")
				c.says(t, "version\r\n", "VERSION …\r\n")
			}
		}
		if err := servers[1].Restart(); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(5 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			errs.SetDeadline(end)
			io.WriteString(errs, "set "+gone+" 0 0 1\r\nx\r\n")
			if line, err := errs.r.ReadString('\n'); err != nil {
				t.Fatal(err)
			} else if line == "STORED\r\n" {
				return
			}
		}
	})
}

// TestMemcachedEjects: the keys of a server that fails go to the others.
func TestMemcachedEjects(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		servers := memcachedN(t, 3)
		c := dialCache(t, serve(t, d, cacheOf(servers, "auto_eject_hosts: true", "server_failure_limit: 1", "server_retry_timeout: 60s")).addr)
		gone := cacheKeys(t, c, servers, 1)[1][0]
		servers[1].Kill()
		for end := time.Now().Add(5 * time.Second); ; {
			c.SetDeadline(end)
			io.WriteString(c, "set "+gone+" 0 0 1\r\nx\r\n")
			if line, err := c.r.ReadString('\n'); err != nil {
				t.Fatal(err)
			} else if line == "STORED\r\n" {
				break
			}
		}
		c.says(t, "get "+gone+"\r\n", "VALUE "+gone+" 0 1\r\nx\r\nEND\r\n")
	})
}

// TestMemcachedConversations: what the other tests do not say.
func TestMemcachedConversations(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		servers := memcachedN(t, 4)
		addr := serve(t, d, cacheOf(servers)).addr
		c := dialCache(t, addr)
		keys := cacheKeys(t, c, servers, 3)
		one, two := keys[0], keys[1]

		// A quiet pipeline over all shards, of which one is slow.
		if err := servers[1].Pause(); err != nil {
			t.Fatal(err)
		}
		resumed := make(chan error)
		time.AfterFunc(200*time.Millisecond, func() { resumed <- servers[1].Resume() })
		c.says(t, "mg "+two[0]+" v q\r\nmg "+one[0]+" v q\r\nmg nosuch v q\r\nms "+two[1]+" 1 q\r\nx\r\nmd nosuch\r\nmd "+two[2]+" q\r\nmn\r\nmg "+two[1]+" v\r\n",
			fmt.Sprintf("VA %d\r\n%s\r\nVA %d\r\n%s\r\nNF\r\nMN\r\nVA 1\r\nx\r\n", len(two[0]), two[0], len(one[0]), one[0]))
		if err := <-resumed; err != nil {
			t.Fatal(err)
		}

		// A key in base64 is where the key in text is.
		for _, k := range []string{one[0], two[0], keys[2][0], keys[3][0]} {
			c.says(t, "mg "+base64.StdEncoding.EncodeToString([]byte(k))+" b s\r\n", fmt.Sprintf("HD s%d\r\n", len(k)))
		}

		c.says(t, "set n 0 0 2\r\n10\r\ndecr n 1\r\nma n MD D5 v\r\nincr n 6 noreply\r\nget n\r\n", "STORED\r\n9\r\nVA 1\r\n4\r\nVALUE n 0 2\r\n10\r\nEND\r\n")
		c.says(t, "md n I\r\nmg n v\r\nmg n v\r\n", "HD\r\nVA 2 X W\r\n10\r\nVA 2 Z X\r\n10\r\n")
		c.says(t, "watch\r\n", "CLIENT_ERROR watch is for one server, and this is a pool of them\r\n")

		// Lines that are longer than a server reads in one piece.
		var get, gat, want strings.Builder
		for range 300 {
			for i := range keys {
				get.WriteString(" " + keys[i][0])
				gat.WriteString(" " + keys[i][0])
				want.WriteString(valueOf(keys[i][0]))
			}
		}
		c.says(t, "get"+get.String()+"\r\n", want.String()+"END\r\n")
		c.says(t, "gat 0"+gat.String()+"\r\n", want.String()+"END\r\n")
		c.says(t, "gat 0"+strings.Repeat(" nosuch", 100_000)+gat.String()+"\r\ngat 0 nosuch\r\n", want.String()+"END\r\nEND\r\n")
		c.says(t, "get nosuch "+strings.Repeat("k", 251)+"\r\n", "CLIENT_ERROR bad command line format\r\n")

		// Values that a server does not take, and one that the proxy does not.
		c.says(t, "set "+one[0]+" 0 0 1048577\r\n"+strings.Repeat("v", 1048577)+"\r\nget "+one[0]+"\r\n", "SERVER_ERROR object too large for cache\r\nEND\r\n")
		c.says(t, "set k 0 0 1000000\r\n"+strings.Repeat("v", 1000000)+"\r\nget k\r\n", "STORED\r\nVALUE k 0 1000000\r\n"+strings.Repeat("v", 1000000)+"\r\nEND\r\n")

		// flush_all, now and later.
		c.says(t, "flush_all 1000\r\n", "OK\r\n")
		c.says(t, "get "+two[0]+"\r\n", valueOf(two[0])+"END\r\n")
		for i, s := range servers {
			if later := dialCache(t, s.Addr).stats(t, "stats settings\r\n")["oldest"]; len(later) < 3 {
				t.Errorf("flush_all 1000: shard %s forgets what is older than %s s after its start", names[i], later)
			}
		}
		c.says(t, "flush_all noreply\r\nget"+get.String()+"\r\n", "END\r\n")

		// Statistics, of all and of each.
		c.says(t, "stats reset\r\nverbosity 0\r\n", "RESET\r\nOK\r\n")
		for i := range 20 {
			c.says(t, fmt.Sprintf("set s%d 0 0 1\r\nx\r\n", i), "STORED\r\n")
		}
		all, each := c.stats(t, "stats\r\n"), c.stats(t, "stats shards\r\n")
		sum := 0
		for _, name := range names {
			n := 0
			fmt.Sscan(each[name+":cmd_set"], &n)
			sum += n
		}
		if all["cmd_set"] != "20" || sum != 20 || all["version"] == "" || all["limit_maxbytes"] != itoa(4*64<<20) {
			t.Errorf("20 set: cmd_set %q, of all shards %d, version %q, limit_maxbytes %q", all["cmd_set"], sum, all["version"], all["limit_maxbytes"])
		}
		c.says(t, "stats nosuch\r\n", "ERROR\r\n")
		c.says(t, "stats sizes_enable\r\nget nosuch\r\n", "CLIENT_ERROR stats sizes_enable is for one server…\r\nEND\r\n")

		// The binary protocol, and the end.
		b := dialCache(t, addr)
		noop := make([]byte, 24)
		noop[0], noop[1] = 0x80, 0x0a
		b.Write(noop)
		reply, err := io.ReadAll(b)
		if err != nil || len(reply) < 24 || reply[0] != 0x81 || reply[1] != 0x0a || reply[7] != 0x81 {
			t.Errorf("a binary no-op: %q, %v", reply, err)
		}
		io.WriteString(c, "set last 0 0 1\r\nx\r\nquit\r\nget last\r\n")
		if rest, err := io.ReadAll(c.r); err != nil || string(rest) != "STORED\r\n" {
			t.Errorf("quit: %q, %v", rest, err)
		}
	})
}

// stats returns what a server says of itself.
func (c *cacheConn) stats(t *testing.T, request string) map[string]string {
	t.Helper()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(c, request)
	all := map[string]string{}
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		f := strings.Fields(line)
		if len(f) < 3 || f[0] != "STAT" {
			if line != "END\r\n" {
				t.Fatalf("%q: %q amid statistics", request, line)
			}
			return all
		}
		all[f[1]] = f[2]
	}
}

// TestMemcachedLogin: servers that want one, by memcached's file of users.
func TestMemcachedLogin(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(file, []byte("app:sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ready := func(s *shardtest.Spec) { s.Ready = nil } // it answers nobody who has not logged in
	servers := memcachedN(t, 2, shardtest.Args("-Y", file), ready)
	each(t, func(t *testing.T, d engine.Driver) {
		c := dialCache(t, serve(t, d, cacheOf(servers, "server_auth: sesame", "server_username: app")).addr)
		for i := range 8 {
			c.says(t, fmt.Sprintf("set k%d 0 0 1\r\nx\r\nget k%d\r\n", i, i), fmt.Sprintf("STORED\r\nVALUE k%d 0 1\r\nx\r\nEND\r\n", i))
		}
		// Without it the client is told so, whoever comes behind a request that the server reads as two.
		c = dialCache(t, serve(t, d, cacheOf(servers, "timeout: 1s", "on_shard_error: error")).addr)
		for i := range 8 {
			c.says(t, fmt.Sprintf("mg k%d\r\nms k%d 5\r\nhello\r\nget k%d\r\nmn\r\n", i, i, i), strings.Repeat("SERVER_ERROR shard '…\r\n", 3)+"MN\r\n")
		}
		c.SetDeadline(time.Now().Add(20 * time.Second))
		io.WriteString(c, "mg k\r\n")
		if line, err := c.r.ReadString('\n'); err != nil || !strings.Contains(line, "the server wants a login") {
			t.Errorf("%q, %v", line, err)
		}
		wrong := dialCache(t, serve(t, d, cacheOf(servers, "server_auth: other", "server_username: app")).addr)
		wrong.says(t, "set k 0 0 1\r\nx\r\n", "SERVER_ERROR shard '…\r\n")
	})
}

// TestMemcachedSilent: a server that was silent until its connection was given up is used
// again once it answers.
func TestMemcachedSilent(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		server := shardtest.Memcached(t)
		c := dialCache(t, serve(t, d, cacheOf([]*shardtest.Server{server}, "timeout: 100ms", "on_shard_error: error")).addr)
		c.says(t, "set k 0 0 1\r\nv\r\n", "STORED\r\n")
		ask := func(until string) {
			t.Helper()
			for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
				c.SetDeadline(time.Now().Add(20 * time.Second))
				io.WriteString(c, "mg k s\r\n")
				line, err := c.r.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(line, until) {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("said %q for 20 s, want %q", line, until)
				}
			}
		}
		server.Pause()
		ask("SERVER_ERROR shard 'one' at " + server.Addr + ": down: it has said nothing")
		time.Sleep(300 * time.Millisecond) // and the connection is given up
		server.Resume()
		ask("HD s1")
	})
}
