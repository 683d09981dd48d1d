package main

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

// traffic writes through proxies and a client of the library, and knows what was
// acknowledged and how long each had to wait.
type traffic struct {
	stop   chan struct{}
	all    sync.WaitGroup
	every  atomic.Int64 // from a writer's round to its next, in nanoseconds; 0: at once
	rounds atomic.Int64
	waits  *waits
	moves  func(key string) bool // the key is on the shard that moves

	mu    sync.Mutex // protects the following fields
	errs  []error
	acked map[string]int // increments and elements by writer
}

// do is one request by whatever way.
type do func(command string, args ...any) (any, error)

// Rows of a traffic's waits: one for each way to the shard that moves, then these.
const (
	otherShard = "to the other shard"
	ownClock   = "the load's own clock"
	processors = "a wait for a processor"
)

// gently is from a writer's round to its next, where no load is asked for.
const gently = 4 * time.Millisecond

// busyWith has so many writers write, in turn through each of the ways.
func busyWith(writers int, ways ...func() (do, func(), error)) *traffic {
	return trafficOf(writers, make([]string, len(ways)), func(string) bool { return true }, ways...)
}

// traffics is busyWith -move.writers and ways that have names; moves says which keys are on the shard
// that moves.
func traffics(names []string, moves func(key string) bool, ways ...func() (do, func(), error)) *traffic {
	return trafficOf(*moveWriters, names, moves, ways...)
}

func trafficOf(writers int, names []string, moves func(key string) bool, ways ...func() (do, func(), error)) *traffic {
	tr := &traffic{stop: make(chan struct{}), acked: map[string]int{}, moves: moves}
	tr.waits = newWaits(append(slices.Clone(names), otherShard, ownClock, processors)...)
	tr.every.Store(int64(gently))
	tr.all.Go(func() { tr.waits.watchClock(len(ways)+1, tr.stop) })
	for w := range writers {
		tr.all.Go(func() {
			send, end, err := ways[w%len(ways)]()
			n := 0
			if err == nil {
				defer end()
				n, err = tr.write(send, w, w%len(ways), len(ways))
			}
			tr.mu.Lock()
			defer tr.mu.Unlock()
			tr.acked[fmt.Sprint(w)] = n
			if err != nil {
				tr.errs = append(tr.errs, fmt.Errorf("writer %d: %w", w, err))
			}
		})
	}
	return tr
}

// write increments, sets, pushes and reads until the end, and returns how often. Its
// times go to row way of the waits, or to row other.
func (tr *traffic) write(send do, writer, way, other int) (int, error) {
	counter, value, list := fmt.Sprint("n:", writer), fmt.Sprint("s:", writer), fmt.Sprint("l:", writer)
	row := map[string]int{counter: other, value: other, list: other}
	for key := range row {
		if tr.moves(key) {
			row[key] = way
		}
	}
	next := time.Now()
	for n := 1; ; n++ {
		select {
		case <-tr.stop:
			return n - 1, nil
		default:
		}
		for _, c := range [][]any{{"INCR", counter}, {"SET", value, n}, {"RPUSH", list, n}, {"GET", value}} {
			began := time.Now()
			v, err := send(c[0].(string), c[1:]...)
			tr.waits.note(row[c[1].(string)], time.Since(began))
			if i, ok := v.(int64); err == nil && ok && i != int64(n) {
				err = fmt.Errorf("replied %d", i)
			}
			if err != nil {
				return n, fmt.Errorf("%v, number %d: %w", c, n, err)
			}
		}
		tr.rounds.Add(1)
		if every := time.Duration(tr.every.Load()); every > 0 {
			next = next.Add(every)
			if late := time.Until(next); late > 0 {
				time.Sleep(late)
			} else {
				next = time.Now() // what was missed is not made up for
			}
		}
	}
}

// halve finds out how much the writers do at most, and has them do half of it. It
// returns both in requests a second, and when the latter was measured.
func (tr *traffic) halve(watch time.Duration) (most, half float64, measured phase) {
	rate := func(d time.Duration) float64 {
		time.Sleep(d / 4) // until it is steady
		before, began := tr.rounds.Load(), time.Now()
		time.Sleep(d)
		return float64(tr.rounds.Load()-before) / time.Since(began).Seconds()
	}
	tr.every.Store(0)
	for range 3 { // the best: others may use the machine too
		most = max(most, rate(watch/3))
	}
	tr.every.Store(int64(2 * float64(*moveWriters) / most * float64(time.Second)))
	half = rate(watch)
	now := time.Now()
	return 4 * most, 4 * half, phase{"before", now.Add(-watch), now} // a round has four requests
}

// end stops the writers and checks what they wrote.
func (tr *traffic) end(t *testing.T, read do) {
	t.Helper()
	close(tr.stop)
	tr.all.Wait()
	for _, err := range tr.errs {
		t.Error(err)
	}
	total := 0
	for w, n := range tr.acked {
		total += n
		if have, err := redis.Int(read("GET", "n:"+w)); n > 0 && (err != nil || have != n) && len(tr.errs) == 0 {
			t.Errorf("writer %s: counter %d, %v; %d were acknowledged", w, have, err, n)
		}
		list, err := redis.Ints(read("LRANGE", "l:"+w, 0, -1))
		if err != nil || len(list) != n && len(tr.errs) == 0 {
			t.Errorf("writer %s: %d elements, %v; %d were acknowledged", w, len(list), err, n)
		}
		for i, v := range list {
			if v != i+1 {
				t.Errorf("writer %s: element %d is %d", w, i, v)
				break
			}
		}
	}
	var longest time.Duration
	for row := range len(tr.waits.names) - 2 { // the last two are no requests
		d, _ := tr.waits.longest(row, phase{from: tr.waits.began, to: time.Now()})
		longest = max(longest, d)
	}
	t.Logf("%d increments, as many elements; longest request %v", total, longest.Round(10*time.Microsecond))
}

// through is a connection to a proxy.
func through(addr string) func() (do, func(), error) {
	return func() (do, func(), error) {
		c, err := redis.Dial("tcp", addr, redis.DialReadTimeout(20*time.Second))
		if err != nil {
			return nil, nil, err
		}
		return c.Do, func() { c.Close() }, nil
	}
}
