package ring_test

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/ring/randtest"
	"github.com/shardring/shardring/shard/shardtest"
)

// These tests ask the original programs, as they are installed on this
// machine, where they put random keys on rings of random shards.

// randomKeys returns distinct keys: text, tags, bytes of any value, the empty key.
func randomKeys(random *rand.Rand, n int) []string {
	keys, seen := []string{""}, map[string]bool{"": true}
	for len(keys) < n {
		var key []byte
		for range 1 + random.IntN(24) {
			switch random.IntN(4) {
			case 0:
				key = append(key, "{}$:"[random.IntN(4)])
			case 1:
				key = append(key, byte(random.Uint32()))
			default:
				key = append(key, byte('a'+random.IntN(26)))
			}
		}
		if !seen[string(key)] {
			seen[string(key)] = true
			keys = append(keys, string(key))
		}
	}
	return keys
}

// A pool is one of nutcracker.yml, and the ring that should place its keys
// alike. addresses[i] is where shard i is.
type pool struct {
	listen    string
	ring      *ring.Ring
	addresses []string
	yml       string
}

func randomPool(t *testing.T, random *rand.Rand, name, listen string, addresses []string) pool {
	placement := []ring.Placement{ring.Ketama, ring.Modula}[random.IntN(2)]
	hashes := placement.Hashes()
	cfg := ring.Config{Placement: placement, Hash: hashes[random.IntN(len(hashes))]}
	p := pool{listen: listen}
	var yml strings.Builder
	fmt.Fprintf(&yml, "%s:\n  listen: ${%s}\n  redis: true\n  hash: %s\n  distribution: %s\n", name, listen, cfg.Hash, placement)
	if random.IntN(2) == 0 {
		pair := []string{"{}", "$$", ":{"}[random.IntN(3)]
		tag, err := ring.TagPair(pair)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Tag = tag
		fmt.Fprintf(&yml, "  hash_tag: %q\n", pair)
	}
	yml.WriteString("  servers:\n")
	for i := range 1 + random.IntN(12) {
		// Names of different lengths, so that twemproxy's order differs from
		// that of the list and from that of bytes.
		name := fmt.Sprintf("%s%d", strings.Repeat("n", 1+random.IntN(3)), 100*random.IntN(100)+i)
		shard := ring.Shard{Name: name, Weight: 1 + random.IntN(30)}
		address := addresses[random.IntN(len(addresses))]
		cfg.Shards = append(cfg.Shards, shard)
		p.addresses = append(p.addresses, address)
		fmt.Fprintf(&yml, "   - %s:%d %s\n", address, shard.Weight, shard.Name)
	}
	p.yml, p.ring = yml.String(), newRing(t, cfg)
	return p
}

func newRing(t *testing.T, cfg ring.Config) *ring.Ring {
	t.Helper()
	r, err := ring.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// ask sends one command for each argument list, pipelined.
func ask(t *testing.T, address, command string, arguments [][]any) []any {
	t.Helper()
	c, err := redis.Dial("tcp", address, redis.DialReadTimeout(10*time.Second), redis.DialWriteTimeout(10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	replies := make([]any, 0, len(arguments))
	for len(arguments) > 0 {
		batch := arguments[:min(len(arguments), 200)]
		arguments = arguments[len(batch):]
		for _, a := range batch {
			if err := c.Send(command, a...); err != nil {
				t.Fatalf("%s to %s: %v", command, address, err)
			}
		}
		if err := c.Flush(); err != nil {
			t.Fatalf("%s to %s: %v", command, address, err)
		}
		for _, a := range batch {
			reply, err := c.Receive()
			if err != nil {
				t.Fatalf("%s %q to %s: %v", command, a, address, err)
			}
			replies = append(replies, reply)
		}
	}
	return replies
}

// comparePlaces writes every key through the proxy, looks into the servers
// and compares.
func comparePlaces(t *testing.T, proxy string, servers []*shardtest.Server, keys []string, want func(key string) (address string)) {
	t.Helper()
	sets := make([][]any, len(keys))
	for i, key := range keys {
		sets[i] = []any{key, "v"}
	}
	for _, s := range servers {
		ask(t, s.Addr, "FLUSHALL", [][]any{nil})
	}
	ask(t, proxy, "SET", sets)
	found := make(map[string]string, len(keys))
	for _, s := range servers {
		names, err := redis.Strings(ask(t, s.Addr, "KEYS", [][]any{{"*"}})[0], nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			found[name] = s.Addr
		}
	}
	if len(found) != len(keys) {
		t.Errorf("wrote %d keys, found %d", len(keys), len(found))
	}
	wrong := 0
	for _, key := range keys {
		if got := want(key); got != found[key] {
			if wrong++; wrong <= 5 {
				t.Errorf("%q: the ring says %s, nutcracker wrote to %s", key, got, found[key])
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d keys are misplaced", wrong, len(keys))
	}
}

func TestLiveNutcracker(t *testing.T) {
	random := randtest.New(t)
	servers := shardtest.RedisN(t, 5)
	addresses := make([]string, len(servers))
	for i, s := range servers {
		addresses[i] = s.Addr
	}
	var pools []pool
	var yml strings.Builder
	for i := range 12 {
		listen := "ADDR"
		if i > 0 {
			listen = fmt.Sprintf("ADDR.p%d", i)
		}
		p := randomPool(t, random, fmt.Sprintf("p%d", i), listen, addresses)
		pools = append(pools, p)
		yml.WriteString(p.yml)
	}
	nutcracker := shardtest.Nutcracker(t, yml.String())
	keys := randomKeys(random, 3000)
	for i, p := range pools {
		address := nutcracker.Addr
		if i > 0 {
			address = nutcracker.AddrOf(fmt.Sprintf("p%d", i))
		}
		before := t.Failed()
		comparePlaces(t, address, servers, keys, func(key string) string { return p.addresses[p.ring.OwnerString(key)] })
		if t.Failed() && !before {
			t.Logf("the pool was\n%s", p.yml)
		}
	}
}

// nutcracker ejects a server that is gone and places its keys elsewhere.
func TestLiveEjection(t *testing.T) {
	random := randtest.New(t)
	servers := shardtest.RedisN(t, 4)
	for _, placement := range []ring.Placement{ring.Ketama, ring.Modula} {
		t.Run(string(placement), func(t *testing.T) {
			cfg := ring.Config{Placement: placement}
			yml := fmt.Sprintf("p:\n  listen: ${ADDR}\n  redis: true\n  hash: %s\n  distribution: %s\n  timeout: 2000\n"+
				"  auto_eject_hosts: true\n  server_failure_limit: 1\n  server_retry_timeout: 600000\n  servers:\n", placement.Hashes()[0], placement)
			for i, s := range servers {
				shard := ring.Shard{Name: fmt.Sprintf("s%d", i), Weight: 1 + random.IntN(9)}
				cfg.Shards = append(cfg.Shards, shard)
				yml += fmt.Sprintf("   - %s:%d %s\n", s.Addr, shard.Weight, shard.Name)
			}
			r := newRing(t, cfg)
			nutcracker := shardtest.Nutcracker(t, yml)
			down := random.IntN(len(servers))
			servers[down].Kill()
			defer servers[down].Restart()

			key := keyOf(r, down)
			deadline := time.Now().Add(10 * time.Second)
			for {
				if _, err := nutcracker.Do("GET", key); err == nil {
					break
				} else if time.Now().After(deadline) {
					t.Fatalf("nutcracker has not ejected s%d: %v", down, err)
				}
			}
			rest, err := r.Without([]int{down})
			if err != nil {
				t.Fatal(err)
			}
			var live []*shardtest.Server
			for i, s := range servers {
				if i != down {
					live = append(live, s)
				}
			}
			comparePlaces(t, nutcracker.Addr, live, randomKeys(random, 3000),
				func(key string) string { return servers[rest.OwnerString(key)].Addr })
		})
	}
}

// keyOf returns a key that the shard owns.
func keyOf(r *ring.Ring, shard int) string {
	for i := 0; ; i++ {
		if key := strconv.Itoa(i); r.OwnerString(key) == shard {
			return key
		}
	}
}

func clusterArgs() shardtest.Option {
	return shardtest.Args("--cluster-enabled", "yes", "--cluster-port", "${PORT.bus}")
}

func TestLiveKeySlot(t *testing.T) {
	server := shardtest.Redis(t, clusterArgs())
	keys := randomKeys(randtest.New(t), 5000)
	arguments := make([][]any, len(keys))
	for i, key := range keys {
		arguments[i] = []any{"KEYSLOT", key}
	}
	r := newRing(t, ring.Config{Placement: ring.Slots, Shards: []ring.Shard{{Name: "a", Weight: 1}}})
	for i, reply := range ask(t, server.Addr, "CLUSTER", arguments) {
		if got := r.Locate([]byte(keys[i])).Point; int64(got) != reply {
			t.Errorf("%q is in slot %d, redis-server says %v", keys[i], got, reply)
		}
	}
}

// redis-cli deals the same ranges to the same number of equal shards.
func TestLiveClusterCreate(t *testing.T) {
	servers := shardtest.RedisN(t, 7, clusterArgs())
	line := regexp.MustCompile(`Master\[(\d+)\] -> Slots (\d+) - (\d+)`)
	for n := 3; n <= len(servers); n++ {
		arguments := []string{"--cluster", "create"}
		cfg := ring.Config{Placement: ring.Slots}
		for i, s := range servers[:n] {
			arguments = append(arguments, s.Addr)
			cfg.Shards = append(cfg.Shards, ring.Shard{Name: fmt.Sprint(i), Weight: 5})
		}
		// It prints its plan and asks; the answer is no.
		plan := exec.Command("redis-cli", arguments...)
		plan.Stdin = strings.NewReader("no\n")
		out, err := plan.CombinedOutput()
		masters := line.FindAllStringSubmatch(string(out), -1)
		if len(masters) != n {
			t.Fatalf("redis-cli --cluster create (apt-get install -y redis-tools): %v\n%s", err, out)
		}
		for i, share := range newRing(t, cfg).Shares() {
			first, _ := strconv.Atoi(masters[i][2])
			last, _ := strconv.Atoi(masters[i][3])
			if got := share * 16384; got != float64(last-first+1) {
				t.Errorf("shard %d of %d has %v slots, redis-cli deals %d to %d", i, n, got, first, last)
			}
		}
	}
}
