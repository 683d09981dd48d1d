package command

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/ring/randtest"
)

// badRequests are refused by Resolve and by a server, in the same words.
var badRequests = []Slices{
	words("nosuch"),
	words("NoSuch", "a", "b"),
	words(""),
	words("", "a"),
	words("get "),
	words("get|x", "y"),
	words("config|get", "save"),
	words("client|id"),
	words("a'b", "c'd"),
	words("line\r\nbreak", "in\r\n", "\n"),
	words("zero\x00byte", "in\x00an", "argument"),
	words("nosuch\x00", "a"), // "get\x00" is GET where the hashes of both happen to share a bucket
	words("\xff\xfe", "\x01"),
	words(strings.Repeat("n", 127), "a"),
	words(strings.Repeat("n", 128), "a"),
	words(strings.Repeat("n", 129), "a"),
	words("nosuch", strings.Repeat("a", 125), "b"),
	words("nosuch", strings.Repeat("a", 126), "b"),
	words("nosuch", strings.Repeat("a", 127), "b"),
	words("nosuch", strings.Repeat("a", 128), "b"),
	words("nosuch", strings.Repeat("a", 1000), "b"),
	words("nosuch", strings.Repeat("a", 60), strings.Repeat("b", 59), "c", "d", "e"),
	words("nosuch", "", "", "", ""),

	words("GET"),
	words("get", "a", "b"),
	words("SeT", "a"),
	words("ping", "a", "b", "c"), // accepted by arity, refused by PING itself
	words("mset", "a", "b", "c"),
	words("MSETNX", "a", "b", "c"),
	words("mset", "a"),
	words("dbsize", "x"),
	words("multi", "x"),
	words("exec", "x"),

	words("config"),
	words("CONFIG", "nosuch", "x"),
	words("object", "GET\r\nx"),
	words("object", strings.Repeat("s", 200)),
	words("Object", "zero\x00byte"),
	words("script", ""),
	words("object", "encoding"),
	words("OBJECT", "Encoding", "a", "b"),
	words("config", "set", "a"),
	words("client", "setname"),
	words("xgroup", "create", "k"),
	words("command", "count", "x"),
	words("command", "nosuch"),
	words("memory", "usage"),
}

func TestResolveErrorsAreTheServers(t *testing.T) {
	conn, table := live(t), servers(t)
	for _, request := range badRequests {
		_, err := table.Resolve(request)
		if strings.EqualFold(string(request[0]), "ping") {
			continue // its own arity, like options, is for whoever answers it
		}
		compareErrors(t, conn, request, err)
	}
}

// TestResolveErrorsOnRandomRequests takes names, subcommands and lengths at
// random, and sends those that Resolve refuses: nothing else is executed.
func TestResolveErrorsOnRandomRequests(t *testing.T) {
	conn, table := live(t), servers(t)
	rng := randtest.New(t)
	var names []string
	for cmd := range table.All() {
		names = append(names, cmd.Name)
	}
	refused := 0
	for range 20000 {
		request := words(strings.Split(names[rng.IntN(len(names))], "|")...)
		for range rng.IntN(5) {
			request = append(request, randomBytes(rng))
		}
		if rng.IntN(4) == 0 {
			request[rng.IntN(min(2, len(request)))] = randomBytes(rng)
		}
		if rng.IntN(2) == 0 {
			request[0] = []byte(strings.ToUpper(string(request[0])))
		}
		if strings.EqualFold(string(request[0]), "host:") || strings.EqualFold(string(request[0]), "post") {
			continue // a server takes these for an attack over HTTP
		}
		if _, err := table.Resolve(request); err != nil {
			refused++
			compareErrors(t, conn, request, err)
		}
	}
	if refused < 5000 {
		t.Errorf("%d requests were refused: too few to tell", refused)
	}
}

// randomBytes is short, and now and then long or with bytes that break lines.
func randomBytes(rng *rand.Rand) []byte {
	const alphabet = "abgetsGETS|_ '\"%\r\n\x00\xff0129"
	n := rng.IntN(6)
	if rng.IntN(10) == 0 {
		n = 100 + rng.IntN(60)
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[rng.IntN(len(alphabet))]
	}
	return b
}

func compareErrors(t *testing.T, conn redis.Conn, request Slices, got error) {
	t.Helper()
	want, ok := do(t, conn, request).(redis.Error)
	if !ok {
		t.Fatalf("%q: %v, the server executes it", request, got)
	}
	if e, ok := got.(Error); !ok || string(e) != string(want) {
		t.Fatalf("%q:\n ours %v\nlive %v", request, got, want)
	}
}

// TestResolveAcceptsWhatTheServerDoes asks ACL DRYRUN, which checks name and
// arity and executes nothing.
func TestResolveAcceptsWhatTheServerDoes(t *testing.T) {
	conn, table := live(t), servers(t)
	for cmd := range table.All() {
		for n := range 8 {
			request := words(strings.Split(cmd.Name, "|")...)
			for len(request) < n {
				request = append(request, []byte("1"))
			}
			got, err := table.Resolve(request)
			reply := do(t, conn, append(words("ACL", "DRYRUN", "default"), request...))
			accepted := reply == "OK"
			if cmd.pairs && cmd.acceptsArity(len(request)) {
				accepted = len(request)%2 == 1 // MSET's own check, not in ACL DRYRUN
			}
			// A container with a word that is no subcommand of it is another command.
			if len(cmd.Subcommands) > 0 && len(request) > 1 && err != nil {
				continue
			}
			if (err == nil) != accepted {
				t.Errorf("%q: Resolve gives %v, %v; the server says %v", request, got, err, reply)
			}
		}
	}
}
