package proxy_test

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/resp"
)

// talker is a client that shows what it hears as it came, in RESP2 or RESP3. Who
// waits for longer than patience hears nothing any more.
type talker struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

const patience = 10 * time.Second

// talk connects a client to the proxy, and has it say these lines first.
func (s *serving) talk(t *testing.T, lines ...string) *talker {
	t.Helper()
	return talkTo(t, s.network, s.addr, lines...)
}

// talkTo connects a client to an address.
func talkTo(t *testing.T, network, addr string, lines ...string) *talker {
	t.Helper()
	conn, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &talker{Conn: conn, t: t, r: bufio.NewReader(conn)}
	for _, line := range lines {
		if got := c.do(line); strings.HasPrefix(got, "-") {
			t.Fatalf("%s: %s", line, got)
		}
	}
	return c
}

// say sends requests and does not wait for replies. A line is in redis-cli's
// notation.
func (c *talker) say(lines ...string) {
	c.t.Helper()
	var b []byte
	for _, line := range lines {
		frame, err := resp.AppendInline(nil, []byte(line+"\r\n"))
		if err != nil {
			c.t.Fatalf("%s: %v", line, err)
		}
		b = append(b, frame...)
	}
	if _, err := c.Write(b); err != nil {
		c.t.Fatalf("%s: %v", lines, err)
	}
}

// hear returns the next reply or push, or what went wrong.
func (c *talker) hear() string {
	c.SetReadDeadline(time.Now().Add(patience))
	v, err := readReply(c.r)
	if err != nil {
		return err.Error()
	}
	return v.String()
}

// do says one line and returns what it hears.
func (c *talker) do(line string) string {
	c.t.Helper()
	c.say(line)
	return c.hear()
}

// expect says one line and wants to hear this. A text that ends in "…" is only the
// start of what is heard.
func (c *talker) expect(line, want string) {
	c.t.Helper()
	got := c.do(line)
	start, cut := strings.CutSuffix(want, "…")
	if got != want && !(cut && strings.HasPrefix(got, start)) {
		c.t.Errorf("%s: heard %s, want %s", line, got, want)
	}
}

// hears wants to hear these, one after another, without having said anything.
func (c *talker) hears(want ...string) {
	c.t.Helper()
	for _, w := range want {
		if got := c.hear(); got != w {
			c.t.Errorf("heard %s, want %s", got, w)
		}
	}
}

// silent wants to hear nothing for a while.
func (c *talker) silent(d time.Duration) {
	c.t.Helper()
	c.SetReadDeadline(time.Now().Add(d))
	if _, err := c.r.Peek(1); err == nil {
		c.t.Errorf("heard %s, want nothing", c.hear())
	}
}

// soon waits for something that will be so in a moment.
func soon(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not so after %v: %s", patience, what)
		}
	}
}
