package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/resp"
	"github.com/shardring/shardring/shard/shardtest"
)

// pipelining is clients that pipeline without pause and know every reply they have to get.
type pipelining struct {
	stop    chan struct{}
	wg      sync.WaitGroup
	replies atomic.Int64
}

// hold is how long after end clients may take to hear their last replies.
const hold = 20 * time.Second

// begin connects clients to an address.
func begin(t *testing.T, network, addr string, clients int) *pipelining {
	t.Helper()
	l := &pipelining{stop: make(chan struct{})}
	for id := range clients {
		c, err := net.Dial(network, addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		l.wg.Go(func() {
			if err := l.client(c, id); err != nil {
				t.Errorf("client %d: %v", id, err)
			}
		})
	}
	return l
}

// client sends pipelines until stop and checks every reply.
func (l *pipelining) client(c net.Conn, id int) error {
	r := bufio.NewReader(c)
	for round := 0; ; round++ {
		select {
		case <-l.stop:
			return nil
		default:
		}
		var ask []byte
		var want strings.Builder
		for i := range 20 {
			key, value := fmt.Sprintf("load:%d:%d", id, i), fmt.Sprintf("%d of %d", round, i)
			ask = resp.AppendRequest(ask, "SET", key, value)
			ask = resp.AppendRequest(ask, "GET", key)
			fmt.Fprintf(&want, "+OK\r\n$%d\r\n%s\r\n", len(value), value)
		}
		ask = resp.AppendRequest(ask, "MGET", fmt.Sprintf("load:%d:3", id), fmt.Sprintf("load:%d:7", id))
		size := len(fmt.Sprintf("%d of 3", round))
		fmt.Fprintf(&want, "*2\r\n$%d\r\n%d of 3\r\n$%d\r\n%d of 7\r\n", size, round, size, round)
		c.SetDeadline(time.Now().Add(hold))
		if _, err := c.Write(ask); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		got := make([]byte, want.Len())
		if n, err := io.ReadFull(r, got); err != nil || string(got) != want.String() {
			at := 0
			for at < n && got[at] == want.String()[at] {
				at++
			}
			return fmt.Errorf("round %d, byte %d: got %.120q, want %.120q, %v", round, at, got[at:n], want.String()[at:], err)
		}
		l.replies.Add(41)
	}
}

// end stops the clients and returns how many replies they got, all of them right.
func (l *pipelining) end() int64 {
	close(l.stop)
	l.wg.Wait()
	return l.replies.Load()
}

// held is what this process holds.
type held struct{ goroutines, files, heap int }

func holds(t *testing.T) held {
	t.Helper()
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	files := 0
	if entries, err := os.ReadDir("/dev/fd"); err == nil {
		files = len(entries)
	}
	return held{runtime.NumGoroutine(), files, int(m.HeapAlloc)}
}

// TestReloadUnderLoad takes another file two hundred times while clients pipeline.
// Nodes are called by other addresses, connections to them become more and fewer,
// pools come, go and change places, limits and users change. No reply is an error, or
// wrong, or late, and in the end the process holds what it held.
func TestReloadUnderLoad(t *testing.T) {
	const times, clients = 200, 8
	servers := shardtest.RedisN(t, 4)
	ways := make([][2]string, len(servers)) // two addresses of each: the proxy takes them for two nodes
	for i, s := range servers {
		_, port, _ := strings.Cut(s.Addr, ":")
		ways[i] = [2]string{s.Addr, "[::ffff:127.0.0.1]:" + port}
	}
	each(t, func(t *testing.T, d engine.Driver) {
		a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
		file := func(i int) string {
			addrs := make([]string, len(ways))
			for j := range ways {
				addrs[j] = ways[j][i>>(j%3)&1]
			}
			main := onePool("main", "127.0.0.1:0", addrs,
				fmt.Sprintf("timeout: %ds", 20+i%2), fmt.Sprintf("server_connections: %d", 1+i%3),
				fmt.Sprintf("client_connections: %d", 100+i), fmt.Sprintf("max_output: %d", 1<<20+i))
			switch i % 4 {
			case 0:
				return main
			case 1:
				return main + onePool("x", a, addrs[:1])
			case 2:
				return main + onePool("x", b, addrs[:1]) + onePool("y", a, addrs[1:2], `users: [{name: u, password: p, rules: "+get"}]`)
			}
			return onePool("y", b, addrs[1:2]) + main
		}
		r := reloads(t, d, file(0))
		l := begin(t, r.network, r.addr, clients)
		cycle := func(from, n int) {
			for i := from; i < from+n; i++ {
				if s := r.take(file(i)); s.Epoch != i+1 {
					t.Fatalf("epoch %d, want %d", s.Epoch, i+1)
				}
			}
		}
		cycle(1, 12) // what is made once
		before := holds(t)
		replies := l.replies.Load()
		began := time.Now()
		cycle(13, times)
		took := time.Since(began)
		replies = l.replies.Load() - replies
		r.take(file(12)) // as before
		var after held
		soon(t, "what was needed for a while is given back", func() bool {
			after = holds(t)
			return after.goroutines <= before.goroutines+8 && after.files <= before.files+8
		})
		if l.end(); t.Failed() {
			return
		}
		t.Logf("%d files in %v, %d right replies meanwhile; before %+v, after %+v", times, took.Round(time.Millisecond), replies, before, after)
		if replies < times {
			t.Errorf("only %d replies while %d files were taken", replies, times)
		}
		if after.heap > before.heap+4<<20 {
			t.Errorf("the heap grew from %d to %d bytes", before.heap, after.heap)
		}
	})
}

// TestReloadSwapsPrimary moves a shard to its replica, which has been promoted, and
// back, under load: by the file alone.
func TestReloadSwapsPrimary(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 3)
		old, other, replica := servers[0], servers[1], servers[2]
		r := reloads(t, d, onePool("main", "127.0.0.1:0", []string{old.Addr, other.Addr}))
		c := r.talk(t)
		for i := range 100 {
			c.expect(fmt.Sprintf("SET k%d v%d", i, i), "+OK")
		}
		follow(t, replica, old)
		reads := make(chan error, 1)
		stop := make(chan struct{})
		conn := r.dial(t)
		n := 0
		go func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					reads <- nil
					return
				default:
				}
				for j := range 50 {
					conn.Send("GET", fmt.Sprintf("k%d", (i+j)%100))
				}
				conn.Flush()
				for j := range 50 {
					v, err := conn.Receive()
					if want := fmt.Sprintf("v%d", (i+j)%100); err != nil || string(v.([]byte)) != want {
						reads <- fmt.Errorf("round %d: %s, %v; want %s", i, v, err, want)
						return
					}
					n++
				}
			}
		}()
		time.Sleep(50 * time.Millisecond)
		if _, err := replica.Do("REPLICAOF", "NO", "ONE"); err != nil {
			t.Fatal(err)
		}
		s := r.take(onePool("main", "127.0.0.1:0", []string{replica.Addr, other.Addr}))
		if want := fmt.Sprintf("pool main: shard one primary %s -> %s", old.Addr, replica.Addr); len(s.Changes) != 1 || s.Changes[0] != want {
			t.Errorf("changes %q, want %q", s.Changes, want)
		}
		soon(t, "nobody asks the old primary", func() bool {
			list, _ := old.Do("CLIENT", "LIST")
			return strings.Count(string(list.([]byte)), "\n") <= 1
		})
		old.Stop()
		for i := range 100 { // writes go to the new one only, whose answers are read at once
			c.expect(fmt.Sprintf("SET k%d v%d", i, i), "+OK")
		}
		close(stop)
		if err := <-reads; err != nil || n == 0 {
			t.Errorf("%d replies, then %v", n, err)
		}
		t.Logf("%d right replies", n)
	})
}

// follow makes a server a replica and waits until it has everything.
func follow(t *testing.T, replica, primary *shardtest.Server) {
	t.Helper()
	if _, err := primary.Do("CONFIG", "SET", "repl-diskless-sync-delay", "0"); err != nil {
		t.Fatal(err)
	}
	host, port, _ := strings.Cut(primary.Addr, ":")
	if _, err := replica.Do("REPLICAOF", host, port); err != nil {
		t.Fatal(err)
	}
	soon(t, "the replica has everything", func() bool {
		info, err := replica.Do("INFO", "replication")
		return err == nil && strings.Contains(string(info.([]byte)), "master_link_status:up")
	})
}
