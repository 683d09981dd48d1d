package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

// TestStragglers: clients with an old ring increment misplaced counters while
// these are moved. No increment is lost or counted twice: what is at home and
// what was counted anew at the old place make up all that was acknowledged.
func TestStragglers(t *testing.T) {
	f := newFleet(t, 2)
	const counters, start, writers = 300, 1000, 4
	var keys []string
	acknowledged := make([]map[string]int64, writers)
	for i := range counters {
		key := fmt.Sprint("counter:", i)
		keys = append(keys, key)
		f.do(f.away(key), "SET", key, start, "EX", 10000)
	}
	a := f.open(Options{Examples: -1})
	_, found := f.find(a)
	stop := f.write(writers, func(c []redis.Conn, writer, i int) error {
		if acknowledged[writer] == nil {
			acknowledged[writer] = map[string]int64{}
		}
		key := keys[(i*7+writer*50)%counters]
		_, err := c[f.away(key)].Do("INCR", key)
		acknowledged[writer][key]++
		return err
	})
	totals, err := a.Repair(t.Context(), found, nil)
	stop()
	if err != nil || totals.Of(Moved)+totals.Of(Changing) != counters {
		t.Errorf("%+v, %v", totals, err)
	}
	again := 0
	for _, key := range keys {
		want := int64(start)
		for _, n := range acknowledged {
			want += n[key]
		}
		have := f.number(0, key) + f.number(1, key)
		if have != want {
			t.Errorf("%s: %d at home and %d away, want %d together", key, f.number(f.ring.OwnerString(key), key), f.number(f.away(key), key), want)
		}
		if f.has(f.away(key), key) {
			again++
		}
	}
	t.Logf("%+v; %d counted anew at the old place", totals, again)
}

func (f *fleet) number(server int, key string) int64 {
	n, err := redis.Int64(f.do(server, "GET", key), nil)
	if err != nil && !errors.Is(err, redis.ErrNil) {
		f.t.Fatal(err)
	}
	return n
}

// write calls do over and over from several goroutines, each with connections
// of its own, until stop is called.
func (f *fleet) write(writers int, do func(c []redis.Conn, writer, i int) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for w := range writers {
		var conns []redis.Conn
		for _, s := range f.servers {
			conns = append(conns, connect(f.t, s))
		}
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if err := do(conns, w, i); err != nil {
					f.t.Error(err)
					return
				}
			}
		})
	}
	time.Sleep(20 * time.Millisecond) // all of them write
	return func() { cancel(); wg.Wait() }
}

// pushing is lists at the wrong place, each with a first element, to which writers push
// elements of their own while the lists are moved.
type pushing struct {
	*fleet
	keys   []string
	pushed []int // by writer: it pushed 0 to that, in turn
}

func newPushing(f *fleet, lists, writers int) *pushing {
	p := &pushing{fleet: f, pushed: make([]int, writers)}
	for i := range lists {
		key := fmt.Sprint("list:", i)
		p.keys = append(p.keys, key)
		f.do(f.away(key), "RPUSH", key, "first")
	}
	return p
}

// push has all writers push, to the server that at chooses for a writer and a key.
func (p *pushing) push(at func(writer int, key string) int) (stop func()) {
	return p.write(len(p.pushed), func(c []redis.Conn, writer, i int) error {
		key := p.keys[i*11%len(p.keys)]
		_, err := c[at(writer, key)].Do("RPUSH", key, fmt.Sprint(writer, "-", i))
		p.pushed[writer] = i
		return err
	})
}

// complete checks that each element that was acknowledged is on some server.
func (p *pushing) complete() {
	p.t.Helper()
	have := map[string]bool{}
	for _, key := range p.keys {
		first := false
		for i := range p.servers {
			elements, err := redis.Strings(p.do(i, "LRANGE", key, 0, -1), nil)
			if err != nil {
				p.t.Fatal(err)
			}
			for _, e := range elements {
				have[e] = true
				first = first || e == "first"
			}
		}
		if !first {
			p.t.Errorf("%s has lost its first element", key)
		}
	}
	for w, n := range p.pushed {
		for i := range n + 1 {
			if !have[fmt.Sprint(w, "-", i)] {
				p.t.Errorf("element %d of writer %d is lost", i, w)
			}
		}
	}
}

// TestWrittenAtBothEnds: lists get elements at the old place and at home while
// they are moved: no element that was acknowledged is missing in both.
func TestWrittenAtBothEnds(t *testing.T) {
	f := newFleet(t, 2)
	p := newPushing(f, 200, 4)
	a := f.open(Options{})
	_, found := f.find(a)
	stop := p.push(func(writer int, key string) int {
		if writer%2 == 1 {
			return f.away(key)
		}
		time.Sleep(100 * time.Microsecond) // so that some are moved first
		return f.ring.OwnerString(key)
	})
	totals, err := a.Repair(t.Context(), found, nil)
	stop()
	if err != nil {
		t.Error(err)
	}
	p.complete()
	t.Logf("%+v, pushed %v", totals, p.pushed)
}

// TestTwoRepairs: several at once, beside clients with an old ring, lose nothing.
func TestTwoRepairs(t *testing.T) {
	f := newFleet(t, 2)
	const repairs = 4
	p := newPushing(f, 300, 2)
	_, found := f.find(f.open(Options{}))
	stop := p.push(func(_ int, key string) int { return f.away(key) })
	var wg sync.WaitGroup
	superseded := make([]bool, repairs)
	for r := range repairs {
		wg.Go(func() {
			time.Sleep(time.Duration(r) * 5 * time.Millisecond)
			a := f.open(Options{})
			_, err := a.Repair(t.Context(), found, nil)
			if superseded[r] = errors.Is(err, ErrSuperseded); err != nil && !superseded[r] {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	stop()
	// One alone then ends.
	a := f.open(Options{})
	_, found = f.find(a)
	if _, err := a.Repair(t.Context(), found, nil); err != nil {
		t.Error(err)
	}
	p.complete()
	t.Log(superseded)
}

// TestOutcomes: each thing that a repair can meet at home and where the key was.
func TestOutcomes(t *testing.T) {
	f := newFleet(t, 2)
	soon := time.Now().Add(time.Hour).UnixMilli()
	both := func(key string, make func(i int) []any, expire int64) {
		for i := range f.servers {
			args := make(1)
			args[1] = key
			f.do(i, args[0].(string), args[1:]...)
			if expire != 0 {
				f.do(i, "PEXPIREAT", key, expire)
			}
		}
	}
	both("same", kinds[0], 0)
	both("same expiry", kinds[0], soon)
	both("same stream", func(int) []any { return []any{"XADD", nil, "1-1", "a", "b"} }, soon)
	both("same set", large[0], 0)
	both("same hash", large[1], soon)
	both("other value", kinds[0], 0)
	f.do(f.away("other value"), "APPEND", "other value", "more")
	both("other expiry", kinds[0], soon)
	f.do(f.ring.OwnerString("other expiry"), "PEXPIREAT", "other expiry", soon+5)
	both("no expiry", kinds[0], soon)
	f.do(f.ring.OwnerString("no expiry"), "PERSIST", "no expiry")
	both("other type", kinds[0], 0)
	f.do(f.away("other type"), "DEL", "other type")
	f.do(f.away("other type"), "RPUSH", "other type", "a")
	f.do(f.away("expires"), "SET", "expires", "soon", "PX", 150)
	f.do(f.away("deleted"), "SET", "deleted", "soon")
	f.do(f.away("alone"), "SET", "alone", "here")

	a := f.open(Options{})
	r, keys := f.find(a)
	if r.Misplaced != 12 {
		t.Errorf("found %d, want 12", r.Misplaced)
	}
	f.do(f.away("deleted"), "DEL", "deleted")
	time.Sleep(200 * time.Millisecond)
	before := map[string]state{}
	for _, key := range []string{"other value", "other expiry", "no expiry", "other type"} {
		before["away "+key], before["home "+key] = f.state(f.away(key), key), f.state(f.ring.OwnerString(key), key)
	}
	want := map[string]Result{
		"same": Same, "same expiry": Same, "same stream": Same, "same set": Same, "same hash": Same,
		"other value": Conflict, "other expiry": Conflict, "no expiry": Conflict, "other type": Conflict,
		"expires": Gone, "deleted": Gone, "alone": Moved,
	}
	totals, err := a.Repair(t.Context(), keys, func(o Outcome) {
		if o.Result != want[string(o.Key.Name)] {
			t.Errorf("%v, want %v", o, want[string(o.Key.Name)])
		}
	})
	if err != nil || totals.Left() != 4 {
		t.Errorf("%+v, %v", totals, err)
	}
	for key, result := range want {
		if have := f.has(f.away(key), key); have != result.Left() {
			t.Errorf("%s is where it was: %v", key, have)
		}
		if have := f.has(f.ring.OwnerString(key), key); have != (result != Gone) {
			t.Errorf("%s is at home: %v", key, have)
		}
		if result == Conflict && (f.state(f.away(key), key) != before["away "+key] || f.state(f.ring.OwnerString(key), key) != before["home "+key]) {
			t.Errorf("%s was changed", key)
		}
	}

	_, keys = f.find(a)
	totals, err = a.Delete(t.Context(), keys, nil)
	if err != nil || totals.Of(Deleted) != 4 {
		t.Errorf("delete: %+v, %v", totals, err)
	}
	for key := range want {
		if f.has(f.away(key), key) {
			t.Errorf("%s has not been deleted", key)
		}
		if have := f.has(f.ring.OwnerString(key), key); have != (want[key] != Gone) {
			t.Errorf("%s at home: %v", key, have)
		}
	}
}

// TestIdle: how long a key has not been used, or how often it is, goes with it.
func TestIdle(t *testing.T) {
	f := newFleet(t, 2)
	for i := range f.servers {
		f.do(i, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
	}
	f.do(f.away("key"), "SET", "key", "value")
	dump, err := redis.Bytes(f.do(f.away("key"), "DUMP", "key"), nil)
	if err != nil {
		t.Fatal(err)
	}
	f.do(f.away("key"), "RESTORE", "key", 0, dump, "REPLACE", "IDLETIME", 5000)
	a := f.open(Options{})
	_, keys := f.find(a)
	if _, err := a.Repair(t.Context(), keys, nil); err != nil {
		t.Fatal(err)
	}
	if idle, _ := redis.Int(f.do(f.ring.OwnerString("key"), "OBJECT", "IDLETIME", "key"), nil); idle < 4999 || idle > 5100 {
		t.Errorf("idle for %d s, want 5000", idle)
	}

	for i := range f.servers {
		f.do(i, "CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
	}
	f.do(f.away("often"), "RESTORE", "often", 0, dump, "FREQ", 200)
	_, keys = f.find(a)
	if _, err := a.Repair(t.Context(), keys, nil); err != nil {
		t.Fatal(err)
	}
	if freq, _ := redis.Int(f.do(f.ring.OwnerString("often"), "OBJECT", "FREQ", "often"), nil); freq < 195 || freq > 205 {
		t.Errorf("frequency %d, want 200", freq)
	}
}

// TestOlderVersions: what is sent to servers that lack PEXPIRETIME, ABSTTL and
// IDLETIME, or UNLINK, moves keys too; expiries are then exact to a clock's reading.
func TestOlderVersions(t *testing.T) {
	f := newFleet(t, 2)
	a := f.open(Options{})
	expire := time.Now().Add(time.Hour).UnixMilli()
	for _, v := range []version{{6, 2}, {4, 0}, {3, 2}} {
		m := &mover{a: a, claim: newClaim(), links: map[int]*link{}}
		t.Cleanup(m.close)
		for i := range f.servers {
			l, err := m.link(t.Context(), i, 0)
			if err != nil {
				t.Fatal(err)
			}
			l.version = v
		}
		for _, expires := range []bool{false, true} {
			key := fmt.Sprint(v, " ", expires)
			k := Key{Name: []byte(key), from: f.away(key), to: f.ring.OwnerString(key)}
			for _, want := range []Result{Moved, Same} {
				f.do(k.from, "SET", key, "value")
				if expires {
					f.do(k.from, "PEXPIREAT", key, expire)
				}
				if want == Same {
					if err := m.take(t.Context(), [2]int{k.to, k.Database}); err != nil {
						t.Fatal(err)
					}
				}
				if have, err := m.home(t.Context(), k); have != want || err != nil {
					t.Errorf("%s: %v, %v, want %v", key, have, err, want)
				}
			}
			have := f.state(k.to, key)
			if late := have.expire - expire; expires && (late < -about || late > about) || !expires && have.expire != -1 {
				t.Errorf("%s expires at %d, want %d", key, have.expire, expire)
			}
		}
	}
}

// TestRepairRefused: a server that takes no writes ends a repair, with its name and
// nothing lost; so does one that is not the one that was scanned.
func TestRepairRefused(t *testing.T) {
	f := newFleet(t, 2)
	f.fill(100, 20)
	a := f.open(Options{})
	_, keys := f.find(a)
	f.do(1, "CONFIG", "SET", "maxmemory", 1)
	_, err := a.Repair(t.Context(), keys, nil)
	if err == nil || !strings.Contains(err.Error(), "shard cache-2 at "+f.servers[1].Addr) || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("full: %v", err)
	}
	f.do(1, "CONFIG", "SET", "maxmemory", 0)
	for _, k := range keys {
		if !f.has(0, string(k.Name)) && !f.has(1, string(k.Name)) {
			t.Errorf("%s is lost", k.Name)
		}
	}
	f.servers[1].Restart()
	if _, err = a.Repair(t.Context(), keys, nil); err == nil || !strings.Contains(err.Error(), "restarted or replaced") {
		t.Errorf("restarted: %v", err)
	}
}
