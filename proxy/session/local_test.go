package session

import (
	"bufio"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
)

// What the proxy answers itself is, byte for byte, what a redis-server answers:
// each line is the requests of one client, one after another.
func TestLocalRepliesAreRedis(t *testing.T) {
	open := []string{
		"PING", "PING a", "PING a b", "ECHO", "ECHO a", "ECHO a b", "NOSUCH a b", "GET", "SELECT 0", "SELECT x",
		"AUTH pw", "AUTH default pw", "AUTH bob pw", "AUTH a b c", "AUTH",
		"HELLO x", "HELLO 1", "HELLO 4", "HELLO 2", "HELLO", "HELLO 2 SETNAME", "HELLO 2 BAD", "HELLO 2 AUTH default", "HELLO 2 AUTH default x", "HELLO 2 AUTH bob x",
		"HELLO 2 SETNAME n; CLIENT GETNAME", "HELLO 2 SETNAME a\x01; CLIENT GETNAME", "HELLO x SETNAME n; CLIENT GETNAME", "hello 2 setname a setname b; client getname",
		"HELLO 2 SETNAME n BAD; CLIENT GETNAME", "HELLO 2 SETNAME a SETNAME b\x01; CLIENT GETNAME",
		"CLIENT GETNAME", "CLIENT SETNAME x; CLIENT GETNAME; RESET; CLIENT GETNAME", "CLIENT SETNAME a\x01b", "CLIENT SETNAME", "CLIENT NOSUCH",
		"RESET", "RESET a", "QUIT", "QUIT a", "READONLY x", "TIME x", "SCAN x",
		"EVAL x", "MSET a", "MGET",
	}
	secured := []string{
		"PING", "GET k", "SET", "NOSUCH", "HELLO", "HELLO 2", "HELLO 3x", "HELLO 9", "HELLO 2 SETNAME n", "HELLO 2 AUTH default no", "HELLO 2 AUTH bob pw",
		"HELLO 2 AUTH default pw SETNAME n; CLIENT GETNAME", "AUTH no", "AUTH pw; PING", "AUTH default pw; PING", "AUTH bob pw; PING",
		"AUTH pw; RESET; PING", "AUTH pw; AUTH no; PING", "HELLO 2 SETNAME n; AUTH pw; CLIENT GETNAME", "HELLO 2 AUTH default pw BAD; PING", "HELLO 2 AUTH default pw AUTH bob x; PING",
		"QUIT", "RESET", "SELECT 0", "COMMAND", "CLIENT ID",
	}
	for name, c := range map[string]struct {
		password string
		scripts  []string
	}{"open": {"", open}, "secured": {"pw", secured}} {
		t.Run(name, func(t *testing.T) {
			var opts []shardtest.Option
			if c.password != "" {
				opts = append(opts, shardtest.Password(c.password))
			}
			server := shardtest.Redis(t, opts...)
			w := newRig(t, DefaultLimits(), 1, config.Pool{Auth: config.NewSecret(c.password)})
			for _, script := range c.scripts {
				var in string
				for _, line := range strings.Split(script, "; ") {
					in += request(strings.Split(line, " ")...)
				}
				client := w.client()
				client.say(in)
				got, want := scrub(client.hear()), scrub(dialogue(t, server.Addr, in))
				if got != want {
					t.Errorf("%s\n got %q\nwant %q", script, got, want)
				}
			}
		})
	}
}

// dialogue returns all that a server says to these bytes, and QUIT.
func dialogue(t *testing.T, addr, in string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	// The reply to the last request is followed by one that is known.
	if _, err := c.Write([]byte(in + "*1\r\n$4\r\nQUIT\r\n")); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		b.WriteString(line)
		if err != nil {
			break
		}
	}
	if strings.Contains(in, "QUIT") {
		return b.String() // it ended there
	}
	return strings.TrimSuffix(b.String(), "+OK\r\n")
}

// scrub hides what differs between two servers: the id and the version.
func scrub(s string) string {
	s = regexp.MustCompile(`\$2\r\nid\r\n:\d+`).ReplaceAllString(s, "id")
	return regexp.MustCompile(`\$7\r\nversion\r\n\$\d+\r\n[^\r]*`).ReplaceAllString(s, "version")
}
