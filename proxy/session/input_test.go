package session

import (
	"strings"
	"testing"

	"github.com/shardring/shardring/shard/config"
)

var secured = config.Pool{Auth: config.NewSecret("pw")}

// The limits before login are those of Redis, and end with the login, also for
// what was read together with it.
func TestLimitsBeforeLogin(t *testing.T) {
	large := strings.Repeat("v", 20_000)
	many := request("MGET", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10")
	for _, c := range []struct{ name, in, want string }{
		{"large", request("ECHO", large), "-ERR Protocol error: unauthenticated bulk length\r\n"},
		{"many", many, "-ERR Protocol error: unauthenticated multibulk length\r\n"},
		{"large after login", request("AUTH", "pw") + request("ECHO", large), "+OK\r\n$20000\r\n" + large + "\r\n"},
		{"large after a wrong password", request("AUTH", "no") + request("ECHO", large),
			"-" + wrongPass + "\r\n-ERR Protocol error: unauthenticated bulk length\r\n"},
		{"large after reset", request("AUTH", "pw") + request("RESET") + request("ECHO", large),
			"+OK\r\n+RESET\r\n-ERR Protocol error: unauthenticated bulk length\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := newRig(t, DefaultLimits(), 1, secured).client()
			client.say(c.in)
			if got := client.hear(); got != c.want {
				t.Fatalf("got %.200q, want %.200q", got, c.want)
			}
		})
	}
}

// A browser that is made to send an HTTP request here gets none of the commands
// in its body executed.
func TestHTTPEndsTheSession(t *testing.T) {
	const before, body = "SET a 1\r\n", "SET a 2\r\nGET a\r\n"
	for _, in := range []string{
		"POST / HTTP/1.1\r\nHost: x\r\n\r\n" + body,
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + body,
	} {
		w := newRig(t, DefaultLimits(), 1, config.Pool{})
		client := w.client()
		client.say(before + in)
		if got := client.hear(); strings.Count(got, "+OK") != 1 || strings.Contains(got, "2") {
			t.Errorf("%.20q: got %q", in, got)
		}
		if got := w.client().ask1("GET", "a"); got != "$1\r\n1\r\n" {
			t.Errorf("%.20q: the body was executed: %q", in, got)
		}
	}
}
