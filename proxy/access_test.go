package proxy_test

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/proxy"
	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestClientConnections: the clients beyond the limit are told so and closed,
// and a place that becomes free is taken again.
func TestClientConnections(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		s := serve(t, d, poolOf(shardtest.RedisN(t, 1), "client_connections: 3"))
		conns := make([]redis.Conn, 3)
		for i := range conns {
			conns[i] = s.dial(t)
			if _, err := conns[i].Do("PING"); err != nil {
				t.Fatalf("client %d of 3: %v", i+1, err)
			}
		}
		c, err := net.Dial(s.network, s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(5 * time.Second))
		if said, err := io.ReadAll(c); err != nil || string(said) != "-ERR max number of clients reached\r\n" {
			t.Errorf("the fourth client was told %q, %v", said, err)
		}
		conns[0].Close()
		for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			if _, err := s.dial(t).Do("PING"); err == nil {
				break
			} else if time.Now().After(deadline) {
				t.Fatalf("no place became free: %v", err)
			}
		}
	})
}

// TestPassword: clients have to know the pool's password, and the servers are
// told it.
func TestPassword(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 2, shardtest.Password("open sesame"))
		s := serve(t, d, poolOf(servers, "redis_auth: open sesame"))
		c := s.dial(t)
		for _, step := range []struct {
			args  string
			reply string // what the reply starts with
		}{
			{"SET k v", "NOAUTH"},
			{"PING", "NOAUTH"},
			{"AUTH wrong", "WRONGPASS"},
			{"GET k", "NOAUTH"},
			{"AUTH open sesame", "OK"},
			{"SET k v", "OK"},
			{"GET k", "v"},
			{"DEL k other third", "1"},
		} {
			name, rest, _ := strings.Cut(step.args, " ")
			args := redis.Args{}
			if name == "AUTH" {
				args = args.Add(rest)
			} else if rest != "" {
				args = args.AddFlat(strings.Fields(rest))
			}
			got, err := redis.String(text(c.Do(name, args...)))
			if err != nil {
				got = err.Error()
			}
			if !strings.HasPrefix(got, step.reply) {
				t.Errorf("%s: got %q, want %s", step.args, got, step.reply)
			}
		}
		if _, err := s.dial(t, redis.DialPassword("open sesame")).Do("GET", "k"); err != nil {
			t.Errorf("a client that logs in as it dials: %v", err)
		}
	})
}

// text makes an integer reply a string.
func text(reply any, err error) (any, error) {
	if n, ok := reply.(int64); ok {
		return itoa(int(n)), err
	}
	return reply, err
}

// TestWrongPassword: a server that refuses the proxy's password fails its own
// keys, with an error that says so and does not show the password.
func TestWrongPassword(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 1, shardtest.Password("theirs"))
		s := serve(t, d, poolOf(servers, "redis_auth: ours"))
		c := s.dial(t, redis.DialPassword("ours"))
		for range 3 {
			_, err := c.Do("GET", "k")
			if err == nil || !strings.Contains(err.Error(), "shard 'one'") || !strings.Contains(err.Error(), "WRONGPASS") {
				t.Errorf("got %v, want an error that names the shard and WRONGPASS", err)
			} else if strings.Contains(err.Error(), "ours") {
				t.Errorf("the error shows the password: %v", err)
			}
		}
	})
}

// TestUnixSockets: the pool listens on one with the permissions asked for,
// where a dead one lies, and its servers are behind two others.
func TestUnixSockets(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		var lines strings.Builder
		for i, server := range shardtest.RedisN(t, 2, shardtest.Args("--unixsocket", "${DIR}/s")) {
			lines.WriteString("    - {name: " + names[i] + ", primary: " + filepath.Join(server.Dir(), "s") + "}\n")
		}
		dir, err := os.MkdirTemp("", "proxy") // t.TempDir() is too long a path for a socket
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		path := filepath.Join(dir, "p.sock")
		leaveSocket(t, path)
		yml := poolOf(nil, "listen: "+path+" 0640") + lines.String()
		s := serve(t, d, yml)
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("the socket is %v, %v; want permissions 0640", info.Mode(), err)
		}
		c := s.dial(t)
		for i := range 20 {
			if _, err := c.Do("SET", "u:"+itoa(i), i); err != nil {
				t.Fatal(err)
			}
			if n, err := redis.Int(c.Do("GET", "u:"+itoa(i))); err != nil || n != i {
				t.Fatalf("got %d, %v; want %d", n, err, i)
			}
		}
		file, err := config.Parse("second.yml", []byte(yml))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := proxy.New(file, proxy.Options{Driver: d}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("a second proxy on %s: %v; want an error that names it", path, err)
		}
		s.stop()
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the socket is left behind: %v", err)
		}
	})
}

// leaveSocket leaves a unix socket that nobody listens on, as a crash does.
func leaveSocket(t *testing.T, path string) {
	t.Helper()
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	ln.Close()
}
