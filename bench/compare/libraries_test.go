package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/shardtest"
)

// Every library spreads the keys over all shards, finds them again, and fails
// a run whose values are not what was written.
func TestLibraries(t *testing.T) {
	servers := shardtest.RedisN(t, 2)
	addrs := []string{servers[0].Addr, servers[1].Addr}
	pids := []int{servers[0].Pid(), servers[1].Pid()}
	keys := testKeys(100, 16)
	for _, contender := range libraryContenders() {
		t.Run(contender.name, func(t *testing.T) {
			ctx := t.Context()
			c, err := contender.open(addrs)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			w := workload{goroutines: 8, sets: 10, size: 64}
			if err := w.fill(ctx, c, keys); err != nil {
				t.Fatal(err)
			}
			for _, s := range servers {
				n, err := s.Do("DBSIZE")
				if err != nil || n == int64(0) {
					t.Errorf("a shard holds %v keys, %v", n, err)
				}
			}
			f, err := w.run(ctx, c, keys, pids, 20*time.Millisecond)
			if err != nil || f.rate <= 0 || f.p50 <= 0 || f.p99 < f.p50 || f.cpu <= 0 || f.shards <= 0 || f.allocs <= 0 {
				t.Errorf("figures %+v, %v", f, err)
			}
			w.pipeline = 50
			if f, err := w.run(ctx, c, keys, pids, 20*time.Millisecond); err != nil || f.rate <= 0 {
				t.Errorf("pipelines: figures %+v, %v", f, err)
			}
			w.pipeline, w.rate = 0, 1000
			if f, err := w.run(ctx, c, keys, pids, 100*time.Millisecond); err != nil || f.rate < 500 || f.rate > 1500 {
				t.Errorf("open loop of 1000/s: figures %+v, %v", f, err)
			}
			for _, other := range []workload{
				{goroutines: 2, size: 65}, {goroutines: 2, size: 65, pipeline: 10}, {goroutines: 2, size: 65, rate: 1000},
			} {
				if _, err := other.run(ctx, c, keys, pids, 20*time.Millisecond); err == nil || !strings.Contains(err.Error(), "want 65") {
					t.Errorf("%+v over values of another length: %v", other, err)
				}
			}
			for _, s := range servers {
				if _, err := s.Do("FLUSHALL"); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestLibraryCommand(t *testing.T) {
	const short = " --rounds 1 --seconds 0.02 --only redigo"
	for _, c := range []struct {
		args string
		rows []string
	}{
		{"library --goroutines 1,8 --sets 0,10 --sizes 64", []string{
			"| GET, 64 B | 1 | shardring |", "| GET, 64 B | 8 | redigo pool |", "| 90/10 GET/SET, 64 B | 8 | shardring |",
			"| allocations ≤ 4 |", "| rate ≥ 1 |",
		}},
		{"library --pipeline 20 --goroutines 2 --sizes 64 --sets 10", []string{"pipelines of 20\n", "| 90/10 GET/SET, 64 B | 2 | redigo pool |"}},
		{"library --open --rate 1000", []string{"| GET, 64 B | 1,000/s | redigo pool |", "| p50 ≤ 1, p99 ≤ 1, p99.9 ≤ 1 | p50 "}},
		{"library --open --goroutines 4", []string{"- GET, 64 B, 4 goroutines: shardring "}},
		{"library --busy 1 --goroutines 4", []string{"in a busy process\n", "Beside it 1 goroutines", "| GET, 64 B | 4 | redigo pool |"}},
	} {
		t.Run(c.args, func(t *testing.T) {
			var out strings.Builder
			if err := run(t.Context(), strings.Fields(c.args+short), &out, io.Discard); err != nil {
				t.Fatal(err)
			}
			for _, row := range c.rows {
				if !strings.Contains(out.String(), row) {
					t.Errorf("no %q in\n%s", row, out.String())
				}
			}
			if strings.Contains(out.String(), "rueidis") {
				t.Error("--only was not obeyed")
			}
		})
	}
	for _, bad := range []string{
		"", "rings", "library --goroutines 0", "library --sizes x", "library --only (", "library --rounds 0", "library 64",
		"library --pipeline 10 --open", "library --rate 10", "library --busy -2", "ring --rounds 0", "all --rounds 3",
		"library --out /no/such/directory/file",
	} {
		if err := run(t.Context(), strings.Fields(bad), io.Discard, io.Discard); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

// What a slow library has not begun in time counts as late: here the first
// operation keeps the only goroutine from those that are due meanwhile.
func TestOpenLoopCountsFromDue(t *testing.T) {
	const pause = 50 * time.Millisecond
	w := workload{goroutines: 1, size: 1, rate: 1000}
	f, err := w.run(t.Context(), &pausing{pause: pause}, []string{"key"}, nil, 2*pause)
	if err != nil {
		t.Fatal(err)
	}
	// About half of the operations are due during the pause.
	if µs := float64(pause.Microseconds()); f.p99 < 0.8*µs || f.p50 < µs/50 {
		t.Errorf("a pause of %v: p50 %.0f µs, p99 %.0f µs", pause, f.p50, f.p99)
	}
	if n := len(w.arrivals(time.Second)); n < 800 || n > 1200 {
		t.Errorf("%d arrivals in a second at 1000/s", n)
	}
}

// pausing answers the first GET late, the others at once.
type pausing struct {
	client
	pause time.Duration
}

func (p *pausing) Get(context.Context, string) ([]byte, error) {
	time.Sleep(p.pause)
	p.pause = 0
	return []byte("x"), nil
}

// A run that fails is repeated once, and the report tells of it.
func TestFailedRunIsRepeated(t *testing.T) {
	o := libraryOptions{contenders: libraryContenders(), layout: layoutOf(0, false, 0)}
	w := workload{goroutines: 1, size: 1}
	for _, c := range []struct {
		failures int
		ok       bool
	}{{0, true}, {1, true}, {2, false}} {
		s := section{heading: "Libraries"}
		left := c.failures
		with := &contest{clients: []client{&failing{left: &left}}, keys: []string{"key"}}
		if _, err := o.try(t.Context(), w, with, 0, time.Millisecond, &s); (err == nil) != c.ok {
			t.Errorf("%d failures: %v", c.failures, err)
		}
		all := table{[]section{s}}
		told := strings.Contains(all.String(), "- shardring, GET, 1 B, goroutines 1: GET key: broken\n")
		if failed := c.failures > 0; told != failed || (all.err() != nil) != failed {
			t.Errorf("%d failures: %v, and the report says\n%v", c.failures, all.err(), all)
		}
	}
}

// failing fails some GETs.
type failing struct {
	client
	left *int
}

func (f *failing) Get(context.Context, string) ([]byte, error) {
	if *f.left > 0 {
		*f.left--
		return nil, errors.New("broken")
	}
	return []byte("x"), nil
}

// An alarm comes when it is set to, and one in the past at once.
func TestAlarm(t *testing.T) {
	a, err := newAlarm()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	begin := time.Now()
	for i := range 20 {
		if err := a.wait(begin.Add(time.Duration(i) * 300 * time.Microsecond)); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begin); took < 19*300*time.Microsecond || took > time.Second {
		t.Errorf("20 alarms took %v", took)
	}
}

func TestBurn(t *testing.T) {
	before := cpuTime(os.Getpid())
	stop := burn(1)
	time.Sleep(50 * time.Millisecond)
	stop()
	after := cpuTime(os.Getpid())
	if after-before < 5e3 {
		t.Errorf("it took %v µs of CPU time in 50 ms", after-before)
	}
	time.Sleep(50 * time.Millisecond)
	if idle := cpuTime(os.Getpid()) - after; idle > 40e3 {
		t.Errorf("%v µs of CPU time after its end", idle)
	}
}
