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
