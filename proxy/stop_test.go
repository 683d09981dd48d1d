package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestStopUnderLoad ends the proxy, as SIGTERM does, while clients pipeline
// without pause. Each gets whole replies in order and then the end of the
// stream: no half reply, no reset.
func TestStopUnderLoad(t *testing.T) {
	const clients = 16
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 4)
		s := serve(t, d, poolOf(servers))
		var wg sync.WaitGroup
		var asked, answered atomic.Int64
		var conns []net.Conn
		for range clients {
			c, err := net.Dial(s.network, s.addr)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			// Who is not accepted yet may be reset; and every shard is connected to.
			exchange(t, c, "MGET 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\r\n", "*16\r\n"+strings.Repeat("$-1\r\n", 16))
			conns = append(conns, c)
		}
		for id, c := range conns { // now that none of them takes the others' processor
			ended := make(chan struct{})
			wg.Go(func() {
				defer c.SetWriteDeadline(time.Now().Add(patience)) // of a writer that nobody reads
				defer close(ended)
				if n, err := echoes(c, id, &answered); err != nil {
					t.Errorf("client %d, after %d whole replies: %v", id, n, err)
				}
			})
			wg.Go(func() { asked.Add(int64(2 * pipelineUntil(c, id, ended))) })
		}
		for deadline := time.Now().Add(20 * time.Second); answered.Load() < clients*500; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("only %d replies: the clients are not under way", answered.Load())
			}
		}
		within(t, "stop under load", s.stop(), 5*time.Second) // which is its grace
		wg.Wait()
		t.Logf("%d requests written, %d answered whole, then the end", asked.Load(), answered.Load())
	})
}

// value is what client id writes with its i-th request, and reads back.
func value(id, i int) string {
	v := fmt.Sprintf("value %d of client %d ", i, id)
	if i%100 == 99 {
		return v + strings.Repeat("x", 40_000) // more than one read
	}
	return v
}

// pipelineUntil writes pairs of SET and GET until the stream has ended, and
// returns how many pairs.
func pipelineUntil(c net.Conn, id int, ended <-chan struct{}) int {
	w := bufio.NewWriter(c)
	for i := 0; ; i++ {
		key := fmt.Sprintf("stop:%d:%d", id, i)
		v := value(id, i)
		fmt.Fprintf(w, "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", len(key), key, len(v), v)
		fmt.Fprintf(w, "*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n", len(key), key)
		select {
		case <-ended:
			return i
		default:
		}
		if i%8 == 7 && w.Flush() != nil {
			return i
		}
	}
}

// echoes reads the replies to pipelineUntil until the end of the stream, which
// has to be between two of them, counts them, and returns how many there were.
func echoes(c net.Conn, id int, count *atomic.Int64) (int, error) {
	r := bufio.NewReader(c)
	for n := 0; ; n++ {
		want := "+OK\r\n"
		if n%2 == 1 {
			v := value(id, n/2)
			want = fmt.Sprintf("$%d\r\n%s\r\n", len(v), v)
		}
		if n%100 == 0 { // a busy machine is slow, but not silent
			c.SetReadDeadline(time.Now().Add(2 * patience))
		}
		if first, err := r.Peek(1); err == io.EOF {
			return n, nil
		} else if err != nil {
			return n, err
		} else if first[0] == '-' {
			line, err := r.ReadString('\n')
			return n, fmt.Errorf("got %q, %v; want %.80q", line, err, want)
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(r, got); err != nil {
			return n, fmt.Errorf("half a reply: %w", err)
		}
		if string(got) != want {
			return n, fmt.Errorf("got %.80q, want %.80q", got, want)
		}
		count.Add(1)
	}
}

// TestStopIdle ends a proxy whose clients say nothing: at once.
func TestStopIdle(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		s := serve(t, d, poolOf(shardtest.RedisN(t, 1)))
		c := s.dial(t)
		if _, err := c.Do("SET", "k", "v"); err != nil {
			t.Fatal(err)
		}
		within(t, "stop with an idle client", s.stop(), 2*time.Second)
		if _, err := c.Do("PING"); err == nil {
			t.Error("a stopped proxy answers")
		}
	})
}
