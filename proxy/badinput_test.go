package proxy_test

import (
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestBadInput: what is no request is answered as a redis-server does, after the
// replies to all that came before it, and then the connection is closed.
func TestBadInput(t *testing.T) {
	const before = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\nget k\r\n"
	long := strings.Repeat("x", 70_000)
	open := []string{
		"", before, before + "*1\r\n:\r\n", before + "*1\r\n+PING\r\n", before + "*1\r\n$x\r\n", before + "*1\r\n$-1\r\n", before + "*x\r\n", before + "*9999999999\r\n",
		before + "*2\r\n$536870913\r\n", before + "*2\r\n$99999999999999999999\r\n", before + "get \"k\r\n", before + "get 'k'x\r\n", before + long, before + "*" + long, before + "*1\r\n$" + long,
		before + "*0\r\n*-1\r\n\r\nping\r\n*x\r\n", before + "quit\r\nget k\r\n", before + "*1\r\n$4\r\nPI",
		"multi\r\nset k v\r\n*1\r\n:\r\n", "subscribe c\r\n*1\r\n:\r\n",
	}
	secured := []string{
		before, "*11\r\n", "*10\r\n", "*1\r\n$16385\r\n", "*1\r\n$16384\r\n", "auth pw\r\n*11\r\n$4\r\nMGET\r\n" + strings.Repeat("$1\r\nk\r\n", 10), "auth wrong\r\n*11\r\n",
		"hello 3 auth default pw\r\nget k\r\n*x\r\n", "hello 3\r\nping\r\nquit\r\n",
	}
	for _, c := range []struct {
		name, password string
		inputs         []string
	}{{"open", "", open}, {"secured", "pw", secured}} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, d engine.Driver) {
				var opts []shardtest.Option
				var lines []string
				if c.password != "" {
					opts, lines = append(opts, shardtest.Password(c.password)), append(lines, "redis_auth: "+c.password)
				}
				servers := shardtest.RedisN(t, 4, opts...)
				alone := shardtest.Redis(t, opts...)
				s := serve(t, d, poolOf(servers, lines...))
				for _, in := range c.inputs {
					got, want := lastWords(t, s.network, s.addr, in), lastWords(t, "tcp", alone.Addr, in)
					if got != want {
						t.Errorf("%.100q (%d bytes)\nthe proxy says  %.300q\nthe server says %.300q", in, len(in), got, want)
					}
				}
			})
		})
	}
}

var clientID = regexp.MustCompile(`\$2\r\nid\r\n:\d+`)

// lastWords says in, ends its side if the other does not, and returns all that it hears.
func lastWords(t *testing.T, network, addr, in string) string {
	t.Helper()
	c, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	io.WriteString(c, in) // the other may have closed
	heard := make(chan string, 1)
	go func() {
		b, err := io.ReadAll(c)
		if err != nil && !strings.Contains(err.Error(), "reset") {
			b = fmt.Append(b, err)
		}
		heard <- string(b)
	}()
	select {
	case h := <-heard:
		return clientID.ReplaceAllString(h, "id") + " and closes"
	case <-time.After(50 * time.Millisecond):
	}
	c.(*net.TCPConn).CloseWrite()
	return <-heard
}
