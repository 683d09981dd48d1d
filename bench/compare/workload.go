package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// workload is what the goroutines do.
type workload struct {
	goroutines int
	sets       int // of 100 operations; the others are GETs
	size       int // of a value, in bytes
}

func (w workload) String() string {
	mix := "GET"
	if w.sets > 0 {
		mix = fmt.Sprintf("%d/%d GET/SET", 100-w.sets, w.sets)
	}
	return fmt.Sprintf("%s, %d B", mix, w.size)
}

// figures are those of one run.
type figures struct {
	rate   float64 // operations a second
	p50    float64 // µs
	p99    float64 // µs
	cpu    float64 // µs an operation, of this process: the library's and the loop's
	allocs float64 // an operation
}

const libraryKeys = 10_000

// fill writes every key through c.
func (w workload) fill(ctx context.Context, c client, keys []string) error {
	value := bytes.Repeat([]byte("x"), w.size)
	for _, key := range keys {
		if err := c.Set(ctx, key, value); err != nil {
			return fmt.Errorf("SET %s: %w", key, err)
		}
	}
	return nil
}

// run lets the goroutines work for about so long. An operation that fails, or
// a GET of another length, fails the run.
func (w workload) run(ctx context.Context, c client, keys []string, wanted time.Duration) (figures, error) {
	ctx, cancel := context.WithTimeout(ctx, wanted+10*time.Second)
	defer cancel()
	workers := make([]worker, w.goroutines)
	var done sync.WaitGroup
	var before, after runtime.MemStats
	cpuBefore := processCPU()
	runtime.ReadMemStats(&before)
	begin := time.Now()
	for i := range workers {
		workers[i].times = hdrhistogram.New(1, int64(10*time.Second), 2)
		done.Go(func() { workers[i].err = workers[i].work(ctx, w, c, keys, begin.Add(wanted)) })
	}
	done.Wait()
	took := time.Since(begin)
	runtime.ReadMemStats(&after)
	cpu := processCPU() - cpuBefore
	all := hdrhistogram.New(1, int64(10*time.Second), 2)
	var errs []error
	for i := range workers {
		all.Merge(workers[i].times)
		errs = append(errs, workers[i].err)
	}
	if err := errors.Join(errs...); err != nil {
		return figures{}, err
	}
	n := float64(all.TotalCount())
	return figures{
		rate:   n / took.Seconds(),
		p50:    float64(all.ValueAtQuantile(50)) / 1e3,
		p99:    float64(all.ValueAtQuantile(99)) / 1e3,
		cpu:    float64(cpu.Nanoseconds()) / 1e3 / n,
		allocs: float64(after.Mallocs-before.Mallocs) / n,
	}, nil
}

// worker is one goroutine of a run, which owns all of it.
type worker struct {
	times *hdrhistogram.Histogram // of an operation, in ns
	err   error
}

func (w *worker) work(ctx context.Context, l workload, c client, keys []string, until time.Time) error {
	random := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	value := bytes.Repeat([]byte("x"), l.size)
	for begin := time.Now(); begin.Before(until); {
		key := keys[random.IntN(len(keys))]
		if l.sets > 0 && random.IntN(100) < l.sets {
			if err := c.Set(ctx, key, value); err != nil {
				return fmt.Errorf("SET %s: %w", key, err)
			}
		} else {
			got, err := c.Get(ctx, key)
			if err != nil {
				return fmt.Errorf("GET %s: %w", key, err)
			}
			if len(got) != l.size {
				return fmt.Errorf("GET %s has %d bytes, want %d", key, len(got), l.size)
			}
		}
		end := time.Now()
		_ = w.times.RecordValue(min(end.Sub(begin).Nanoseconds(), int64(10*time.Second)))
		begin = end
	}
	return nil
}
