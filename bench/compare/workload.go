package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/shardring/shardring/bench/internal/machine"
)

// workload is what the goroutines do.
type workload struct {
	goroutines int
	sets       int     // of 100 operations; the others are GETs
	size       int     // of a value, in bytes
	pipeline   int     // operations in one pipeline; 0: one by one
	rate       float64 // operations due in a second, whatever becomes of them; 0: each goroutine's next when its last is done
	busy       int     // goroutines that compute meanwhile
}

func (w workload) String() string {
	mix := "GET"
	if w.sets > 0 {
		mix = fmt.Sprintf("%d/%d GET/SET", 100-w.sets, w.sets)
	}
	return fmt.Sprintf("%s, %d B", mix, w.size)
}

// load is how much of it.
func (w workload) load() string {
	if w.rate > 0 {
		return thousands(int(w.rate)) + "/s"
	}
	return fmt.Sprint(w.goroutines)
}

// figures are those of one run.
type figures struct {
	rate   float64 // operations a second
	p50    float64 // µs; of a whole pipeline, if there is one
	p99    float64 // µs
	p999   float64 // µs
	cpu    float64 // µs an operation, of this process: the library's and the loop's
	shards float64 // µs an operation, of the redis-servers together
	allocs float64 // an operation, to a tenth: a run itself allocates a little
}

const libraryKeys = 10_000

// fillers is how many goroutines write the values before the runs.
const fillers = 16

// fill writes every key through c.
func (w workload) fill(ctx context.Context, c client, keys []string) error {
	value := bytes.Repeat([]byte("x"), w.size)
	errs := make([]error, fillers)
	var done sync.WaitGroup
	for i := range fillers {
		done.Go(func() {
			for k := i; k < len(keys) && errs[i] == nil; k += fillers {
				if err := c.Set(ctx, keys[k], value); err != nil {
					errs[i] = fmt.Errorf("SET %s: %w", keys[k], err)
				}
			}
		})
	}
	done.Wait()
	return errors.Join(errs...)
}

// run lets the goroutines work for about so long, on the servers of these
// processes. An operation that fails, or a GET of another length, fails the run.
func (w workload) run(ctx context.Context, c client, keys []string, servers []int, wanted time.Duration) (figures, error) {
	ctx, cancel := context.WithTimeout(ctx, wanted+10*time.Second)
	defer cancel()
	workers := make([]*worker, w.goroutines)
	for i := range workers {
		workers[i] = newWorker(w, c, keys)
	}
	var arrivals []time.Duration
	var due chan time.Time
	if w.rate > 0 {
		arrivals = w.arrivals(wanted)
		due = make(chan time.Time, len(arrivals))
	}
	runtime.GC() // nobody pays for another's garbage
	stop := burn(w.busy)
	var done sync.WaitGroup
	var before, after runtime.MemStats
	own, shards := cpuTime(os.Getpid()), cpuTime(servers...)
	runtime.ReadMemStats(&before)
	begin := time.Now()
	for _, wk := range workers {
		if due != nil {
			done.Go(func() { wk.err = wk.serve(ctx, due) })
		} else {
			done.Go(func() { wk.err = wk.work(ctx, begin.Add(wanted)) })
		}
	}
	var errs []error
	if due != nil {
		errs = append(errs, announce(ctx, due, begin, arrivals))
	}
	done.Wait()
	took := time.Since(begin)
	stop()
	runtime.ReadMemStats(&after)
	own, shards = cpuTime(os.Getpid())-own, cpuTime(servers...)-shards
	all := newTimes()
	for _, wk := range workers {
		wk.keep()
		all.Merge(wk.times)
		errs = append(errs, wk.err)
	}
	if err := errors.Join(errs...); err != nil {
		return figures{}, err
	}
	n := float64(all.TotalCount()) * float64(max(w.pipeline, 1))
	µs := func(quantile float64) float64 { return float64(all.ValueAtQuantile(quantile)) / 1e3 }
	return figures{
		rate: n / took.Seconds(),
		p50:  µs(50), p99: µs(99), p999: µs(99.9),
		cpu:    own / n,
		shards: shards / n,
		allocs: math.Round(float64(after.Mallocs-before.Mallocs)/n*10) / 10,
	}, nil
}

// cpuTime is what the processes have spent on the processor, in µs; NaN if
// that cannot be read here.
func cpuTime(pids ...int) (total float64) {
	for _, pid := range pids {
		d, err := machine.CPUTime(pid)
		if err != nil {
			return math.NaN()
		}
		total += float64(d) / 1e3
	}
	return total
}

// longest is the longest time that is told from longer ones.
const longest = 10 * time.Second

func newTimes() *hdrhistogram.Histogram { return hdrhistogram.New(1, int64(longest), 2) }

// worker is one goroutine of a run, which owns all of it.
type worker struct {
	load   workload
	c      client
	keys   []string
	random *rand.Rand
	value  []byte
	batch  []operation // of a pipeline
	err    error

	// How long each operation or pipeline took. It goes into the histogram in
	// lots: hundreds of workers' histograms are more than the cache holds, and
	// the misses cost a twentieth of shard.Client's rate.
	recent []time.Duration
	times  *hdrhistogram.Histogram // in ns
}

func newWorker(w workload, c client, keys []string) *worker {
	return &worker{
		load: w, c: c, keys: keys,
		random: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		value:  bytes.Repeat([]byte("x"), w.size),
		batch:  make([]operation, w.pipeline),
		recent: make([]time.Duration, 0, 256),
		times:  newTimes(),
	}
}

func (w *worker) record(d time.Duration) {
	if len(w.recent) == cap(w.recent) {
		w.keep()
	}
	w.recent = append(w.recent, d)
}

func (w *worker) keep() {
	for _, d := range w.recent {
		_ = w.times.RecordValue(int64(min(d, longest))) // fails only above longest
	}
	w.recent = w.recent[:0]
}

// work does one operation or pipeline after another.
func (w *worker) work(ctx context.Context, until time.Time) error {
	for begin := time.Now(); begin.Before(until); {
		if err := w.step(ctx); err != nil {
			return err
		}
		end := time.Now()
		w.record(end.Sub(begin))
		begin = end
	}
	return nil
}

// step does one operation or pipeline.
func (w *worker) step(ctx context.Context) error {
	if w.load.pipeline > 0 {
		return w.many(ctx)
	}
	key, set := w.next()
	if set {
		if err := w.c.Set(ctx, key, w.value); err != nil {
			return fmt.Errorf("SET %s: %w", key, err)
		}
		return nil
	}
	got, err := w.c.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("GET %s: %w", key, err)
	}
	return w.check(key, got)
}

func (w *worker) many(ctx context.Context) error {
	for i := range w.batch {
		key, set := w.next()
		w.batch[i] = operation{key: key}
		if set {
			w.batch[i].value = w.value
		}
	}
	if err := w.c.Pipeline(ctx, w.batch); err != nil {
		return fmt.Errorf("pipeline: %w", err)
	}
	for i := range w.batch {
		if o := &w.batch[i]; o.value == nil {
			if err := w.check(o.key, o.got); err != nil {
				return err
			}
		}
	}
	return nil
}

// next chooses an operation.
func (w *worker) next() (key string, set bool) {
	key = w.keys[w.random.IntN(len(w.keys))]
	return key, w.load.sets > 0 && w.random.IntN(100) < w.load.sets
}

func (w *worker) check(key string, got []byte) error {
	if len(got) != w.load.size {
		return fmt.Errorf("GET %s has %d bytes, want %d", key, len(got), w.load.size)
	}
	return nil
}
