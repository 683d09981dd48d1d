package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shardring/shardring/cmd/shardproxy/internal/table"
)

// waits keeps the longest request of every few milliseconds, so that it is known
// afterwards which part of a move made it wait.
type waits struct {
	began time.Time
	names []string         // of rows
	rows  [][]atomic.Int64 // by the slot of time in which a request ended
}

const (
	slot  = 5 * time.Millisecond
	slots = 1 << 18 // 22 minutes; what comes later is in the last one
)

func newWaits(names ...string) *waits {
	w := &waits{began: time.Now(), names: names, rows: make([][]atomic.Int64, len(names))}
	for i := range w.rows {
		w.rows[i] = make([]atomic.Int64, slots)
	}
	return w
}

// note notes that a request of that row has ended now.
func (w *waits) note(row int, took time.Duration) {
	at := &w.rows[row][min(slots-1, time.Since(w.began)/slot)]
	for old := at.Load(); int64(took) > old && !at.CompareAndSwap(old, int64(took)); old = at.Load() {
	}
}

// watchClock sleeps a millisecond at a time, and notes in a row how much longer that
// took: what a busy machine adds to each request without anybody's fault.
func (w *waits) watchClock(row int, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		before := time.Now()
		time.Sleep(time.Millisecond)
		w.note(row, time.Since(before)-time.Millisecond)
	}
}

// watchProcessors notes in a row how long threads of these processes waited for a
// processor, as Linux tells: in vain elsewhere, where the row stays empty.
func (w *waits) watchProcessors(row int, stop <-chan struct{}, pids ...int) {
	var files []string
	for _, pid := range pids {
		all, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		files = append(files, all...)
	}
	waited := make([]time.Duration, len(files))
	tick := time.NewTicker(4 * slot)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		for i, name := range files {
			text, err := os.ReadFile(name)
			fields := strings.Fields(string(text))
			if err != nil || len(fields) < 2 {
				continue // the thread has ended
			}
			ns, _ := strconv.ParseInt(fields[1], 10, 64)
			total := time.Duration(ns)
			if waited[i] > 0 {
				w.note(row, total-waited[i])
			}
			waited[i] = total
		}
	}
}

// longest is that of a row in that time, and when it ended.
func (w *waits) longest(row int, p phase) (took time.Duration, at time.Time) {
	for i := max(0, p.from.Sub(w.began)/slot); i <= min(slots-1, p.to.Sub(w.began)/slot); i++ {
		if d := time.Duration(w.rows[row][i].Load()); d > took {
			took, at = d, w.began.Add(i*slot)
		}
	}
	return took, at
}

// phase is a part of a test's time.
type phase struct {
	name     string
	from, to time.Time
}

// table prints the longest request of each row in each phase.
func (w *waits) table(t *testing.T, phases ...phase) {
	t.Helper()
	var b strings.Builder
	head := []string{"LONGEST REQUEST"}
	for _, p := range phases {
		head = append(head, fmt.Sprintf("%s (%.1fs)", strings.ToUpper(p.name), p.to.Sub(p.from).Seconds()))
	}
	out := table.New(&b, head...)
	for row, name := range w.names {
		cells := []string{name}
		for _, p := range phases {
			took, at := w.longest(row, p)
			cells = append(cells, fmt.Sprintf("%.1fms at %.2fs", float64(took)/1e6, max(0, at.Sub(p.from).Seconds())))
		}
		out.Row(cells...)
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", b.String())
}
