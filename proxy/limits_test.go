package proxy_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestMaxRequestsPerSecond: a second's worth may come at once; what is beyond is
// refused in its place and not executed, of that client alone.
func TestMaxRequestsPerSecond(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 2)
		r := reloads(t, d, poolOf(servers, "max_requests_per_second: 5"))
		const refused = "-ERR max requests per second exceeded: 5 (max_requests_per_second)"
		c, other := r.talk(t), r.talk(t)
		c.say("SET a 1", "INCR a", "MGET a b", "INCR a", "INCR a", "INCR a", "DEL a", "PING")
		c.hears("+OK", ":2", `["2" $-1]`, ":3", ":4", refused, refused, refused)
		other.expect("GET a", `"4"`)
		time.Sleep(450 * time.Millisecond) // for two more
		c.say("INCR a", "INCR a", "INCR a")
		c.hears(":5", ":6", refused)
		time.Sleep(1100 * time.Millisecond) // no more than a second's worth is saved
		c.say("MULTI", "INCR a", "INCR a", "INCR a", "INCR a", "INCR a")
		c.hears("+OK", "+QUEUED", "+QUEUED", "+QUEUED", "+QUEUED", refused)
		time.Sleep(250 * time.Millisecond)
		c.expect("EXEC", "-EXECABORT …")
		if _, err := io.WriteString(c, strings.Repeat("PING\r\n", 3)); err != nil { // inline
			t.Fatal(err)
		}
		c.hears(refused, refused, refused)
		r.take(poolOf(servers))
		c.say("INCR a", "INCR a", "INCR a", "INCR a", "INCR a", "INCR a")
		c.hears(":7", ":8", ":9", ":10", ":11", ":12")
		r.take(poolOf(servers, "max_requests_per_second: 1"))
		c = r.talk(t)
		c.say("PING", "PING")
		c.hears("+PONG", "-ERR max requests per second exceeded: 1 (max_requests_per_second)")
	})
}

// TestMaxInFlight: a node that hangs is owed no more requests than it may be; the
// client of the next learns why, and other nodes are not concerned. Who waits for an
// element is no work.
func TestMaxInFlight(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 2)
		s := serveLoops(t, d, 1, poolOf(servers, "max_in_flight: 5", "server_connections: 2", "timeout: 0"))
		keys := keysOf(t, s, servers, 2)
		slow, fast := keys[0][0], keys[1][0]
		full := fmt.Sprintf("shard 'one' at %s: busy: 5 requests under way (max_in_flight)", servers[0].Addr)
		for range 8 {
			s.talk(t).say("BLPOP nothing:" + slow + " 0") // wherever that is
		}
		if err := servers[0].Pause(); err != nil {
			t.Fatal(err)
		}
		a, b, c := s.talk(t), s.talk(t), s.talk(t)
		a.say("GET "+slow, "GET "+slow, "GET "+slow)
		a.silent(20 * time.Millisecond)
		b.say("GET "+slow, "GET "+slow, "GET "+slow, "GET "+fast)
		b.silent(20 * time.Millisecond)
		c.expect("GET "+slow, "-ERR "+full)
		c.expect(fmt.Sprintf("MGET %s %s", fast, slow), "-ERR "+full+"; other shards may have executed their part")
		c.expect("GET "+fast, fmt.Sprintf("%q", fast))
		c.expect("MULTI", "+OK")
		if err := servers[0].Resume(); err != nil {
			t.Fatal(err)
		}
		value := fmt.Sprintf("%q", slow)
		a.hears(value, value, value)
		b.hears(value, value, "-ERR "+full, fmt.Sprintf("%q", fast))
		c.expect("GET "+slow, "+QUEUED")
		c.expect("EXEC", "["+value+"]")
	})
}

// TestClientIdleTimeout: who asks nothing is ended; who asks, waits for an answer or
// listens is not.
func TestClientIdleTimeout(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 2)
		r := reloads(t, d, poolOf(servers, "client_idle_timeout: 300ms"))
		idle, asks := r.talk(t, "PING"), r.talk(t)
		listens, waits := r.talk(t, "SUBSCRIBE c"), r.talk(t)
		waits.say("BLPOP l 0")
		half := r.talk(t)
		io.WriteString(half, "*2\r\n$4\r\nPING\r\n$100\r\nhalf") // a request that never ends
		began := time.Now()
		ended := make(chan time.Duration)
		go func() { idle.hear(); ended <- time.Since(began) }()
		for stop := time.After(time.Second); stop != nil; {
			asks.expect("PING", "+PONG")
			select {
			case took := <-ended:
				if took < 250*time.Millisecond {
					t.Errorf("the idle client was ended after %v", took)
				}
				within(t, "an idle client", took, 600*time.Millisecond)
			case <-stop:
				stop = nil
			case <-time.After(50 * time.Millisecond):
			}
		}
		half.hears("EOF")
		asks.expect("PUBLISH c x", ":1")
		listens.hears(`["message" "c" "x"]`)
		asks.expect("RPUSH l v", ":1")
		waits.hears(`["l" "v"]`)
		r.take(poolOf(servers)) // no limit any more
		time.Sleep(500 * time.Millisecond)
		asks.expect("PING", "+PONG")
		waits.expect("PING", "+PONG")
		r.take(poolOf(servers, "client_idle_timeout: 100ms"))
		asks.hears("EOF")
		waits.hears("EOF")
	})
}

// TestMaxOutput: a client that does not take its replies is cut off, one that does
// gets as much.
func TestMaxOutput(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 1)
		const size = 64 << 20
		r := reloads(t, d, poolOf(servers, fmt.Sprint("max_output: ", 2<<20), "timeout: 30s"))
		if _, err := servers[0].Do("SETRANGE", "large", size-1, "x"); err != nil {
			t.Fatal(err)
		}
		c, other := r.talk(t), r.talk(t)
		c.say("GET large")
		time.Sleep(500 * time.Millisecond)
		other.expect("PING", "+PONG")
		c.SetReadDeadline(time.Now().Add(patience))
		if n, err := io.Copy(io.Discard, c.r); n >= size || err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("read %d bytes, %v; want to be cut off before %d", n, err, size)
		}
		r.take(poolOf(servers, "timeout: 30s"))
		c = r.talk(t)
		c.say("GET large")
		time.Sleep(300 * time.Millisecond)
		c.SetReadDeadline(time.Now().Add(patience))
		want := int64(len(fmt.Sprintf("$%d\r\n", size)) + size + 2)
		if n, err := io.CopyN(io.Discard, c.r, want); err != nil {
			t.Errorf("read %d bytes of %d: %v", n, want, err)
		}
	})
}

// TestConnectTimeout: a node that accepts and says nothing is given up in the time
// that connecting may take.
func TestConnectTimeout(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		r := reloads(t, d, onePool("cache", "127.0.0.1:0", []string{ln.Addr().String()}, "connect_timeout: 150ms", "server_auth: x", "timeout: 20s"))
		c := r.talk(t)
		ask := func(least, most time.Duration) {
			t.Helper()
			began := time.Now()
			c.expect("GET k", "-ERR shard 'one' at "+ln.Addr().String()+": down: could not connect in time")
			took := time.Since(began)
			if took < least {
				t.Errorf("given up after %v, want %v", took, least)
			}
			within(t, "a node that says nothing", took, most)
		}
		ask(150*time.Millisecond, 500*time.Millisecond)
		r.take(onePool("cache", "127.0.0.1:0", []string{ln.Addr().String()}, "connect_timeout: 700ms", "server_auth: x", "timeout: 20s"))
		time.Sleep(600 * time.Millisecond) // past the back-off
		ask(700*time.Millisecond, 1200*time.Millisecond)
	})
}

// TestClientConnectionsChange: a file can change the limit, which all loops share.
func TestClientConnectionsChange(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, 1)
		r := reloads(t, d, poolOf(servers, "client_connections: 2"))
		tooMany := func() {
			t.Helper()
			c, err := net.Dial(r.network, r.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(patience))
			if said, err := io.ReadAll(c); err != nil || string(said) != "-ERR max number of clients reached\r\n" {
				t.Errorf("heard %q, %v", said, err)
			}
		}
		a, b := r.talk(t, "PING"), r.talk(t, "PING")
		tooMany()
		r.take(poolOf(servers, "client_connections: 3"))
		c := r.talk(t, "PING")
		tooMany()
		r.take(poolOf(servers, "client_connections: 1")) // who is inside stays
		a.expect("PING", "+PONG")
		tooMany()
		b.Close()
		c.Close()
		soon(t, "two have gone", func() bool { return r.p.Stats().Pools[0].Clients == 1 })
		tooMany()
		a.Close()
		soon(t, "all have gone", func() bool { return r.p.Stats().Pools[0].Clients == 0 })
		r.talk(t, "PING")
	})
}
