package main

import (
	"errors"
	"flag"
	"fmt"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// libraryFlags are the command line of the library comparison.
type libraryFlags struct {
	pipeline, busy, rounds  int
	open                    bool
	rate, seconds           float64
	goroutines, sizes, sets string
	only                    string
}

func (f *libraryFlags) register(flags *flag.FlagSet) {
	flags.IntVar(&f.pipeline, "pipeline", 0, "send pipelines of this `number` of commands, instead of one after another")
	flags.BoolVar(&f.open, "open", false, "open loop: operations are due at a rate, and latency counts from then")
	flags.Float64Var(&f.rate, "rate", 0, "of the open loop, a second (default: a tenth of what the slowest library does at most, and of what ours does)")
	flags.IntVar(&f.busy, "busy", 0, "this `number` of goroutines compute meanwhile; -1: GOMAXPROCS")
	flags.Float64Var(&f.seconds, "seconds", 0, "about how long each run takes (default: by the load)")
	flags.IntVar(&f.rounds, "rounds", 5, "how often each library runs each workload")
	flags.StringVar(&f.goroutines, "goroutines", "", "how many share a client, as 1,16 (default: by the load)")
	flags.StringVar(&f.sizes, "sizes", "", "of values, in bytes, as 64,1024 (default: by the load)")
	flags.StringVar(&f.sets, "sets", "", "SETs among 100 operations, as 0,10 (default: by the load)")
	flags.StringVar(&f.only, "only", "", "only the libraries whose name matches this regular `expression`, and ours")
}

// libraryOptions are what the flags say.
type libraryOptions struct {
	layout     layout
	workloads  []workload
	open       bool
	contenders []libraryContender
	rounds     int
	wanted     time.Duration // each run
}

func (f *libraryFlags) options() (libraryOptions, error) {
	switch {
	case f.pipeline < 0:
		return libraryOptions{}, fmt.Errorf("--pipeline %d: want a number of commands", f.pipeline)
	case f.rounds < 1:
		return libraryOptions{}, fmt.Errorf("--rounds %d: want 1 or more", f.rounds)
	case f.busy < -1:
		return libraryOptions{}, fmt.Errorf("--busy %d: want a number of goroutines, or -1 for GOMAXPROCS", f.busy)
	case f.pipeline > 0 && f.open:
		return libraryOptions{}, errors.New("--pipeline with --open: want one of them")
	case f.rate < 0 || f.rate > 0 && !f.open:
		return libraryOptions{}, fmt.Errorf("--rate %g: want operations a second, and --open", f.rate)
	}
	if f.busy == -1 {
		f.busy = runtime.GOMAXPROCS(0)
	}
	o := libraryOptions{layout: layoutOf(f.pipeline, f.open, f.busy), open: f.open, rounds: f.rounds}
	seconds := o.layout.seconds
	if f.seconds > 0 {
		seconds = f.seconds
	}
	o.wanted = time.Duration(seconds * float64(time.Second))
	expression, err := regexp.Compile(f.only)
	if err != nil {
		return o, fmt.Errorf("--only: %w", err)
	}
	for i, c := range libraryContenders() {
		if (i == 0 || expression.MatchString(c.name)) && (!c.busy || f.busy > 0) {
			o.contenders = append(o.contenders, c)
		}
	}
	goroutines, err1 := numbers("goroutines", f.goroutines, o.layout.goroutines, 1)
	sizes, err2 := numbers("sizes", f.sizes, o.layout.sizes, 1)
	sets, err3 := numbers("sets", f.sets, o.layout.sets, 0)
	for _, size := range sizes {
		for _, sets := range sets {
			for _, goroutines := range goroutines {
				o.workloads = append(o.workloads, workload{
					goroutines: goroutines, sets: sets, size: size, pipeline: f.pipeline, rate: f.rate, busy: f.busy,
				})
			}
		}
	}
	return o, errors.Join(err1, err2, err3)
}

// numbers reads a list of them, each at least so much.
func numbers(name, text string, byDefault []int, least int) ([]int, error) {
	if text == "" {
		return byDefault, nil
	}
	var list []int
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < least {
			return nil, fmt.Errorf("--%s %q: want numbers of at least %d separated by commas", name, text, least)
		}
		list = append(list, n)
	}
	return list, nil
}

// layout is how one kind of load is run by default, and what is printed.
type layout struct {
	table   string // as targets call it
	heading string
	text    string

	goroutines, sizes, sets []int
	seconds                 float64 // a run

	load    string   // the header of how much of it
	columns []column // of each library
	ratios  []column // ours to it
}

// column is one of the figures of a run.
type column struct {
	name   string // as targets call it
	header string
	digits int // after the point
	of     func(figures) float64
	beside func(figures) float64 // in brackets; nil: none
}

func layoutOf(pipeline int, open bool, busy int) layout {
	rate := column{"rate", "operations/s", 0, func(f figures) float64 { return f.rate }, nil}
	p50 := column{"p50", "p50 µs", 0, func(f figures) float64 { return f.p50 }, nil}
	p99 := column{"p99", "p99 µs", 0, func(f figures) float64 { return f.p99 }, nil}
	p999 := column{"p99.9", "p99.9 µs", 0, func(f figures) float64 { return f.p999 }, nil}
	cpu := column{"CPU", "CPU µs (servers)", 2, func(f figures) float64 { return f.cpu }, func(f figures) float64 { return f.shards }}
	allocs := column{"allocations", "allocations", 1, func(f figures) float64 { return f.allocs }, nil}

	l := layout{
		table: closedTable, heading: "Libraries, one command after another",
		goroutines: []int{1, 16, 64, 256}, sizes: []int{64, 1024}, sets: []int{0, 10}, seconds: 0.3,
		load: "goroutines", columns: []column{rate, p50, p99, cpu, allocs}, ratios: []column{rate, cpu},
	}
	switch {
	case pipeline > 0:
		l.table, l.heading = pipelineTable, fmt.Sprintf("Libraries, pipelines of %d", pipeline)
		l.text = "Each pipeline has commands for all shards. Rate, CPU and allocations are of commands, p50 and p99 of whole pipelines. "
		l.goroutines, l.seconds = []int{1, 16}, 0.2
	case open:
		l.table, l.heading = openTable, "Libraries, open loop"
		l.text = "Operations are due at random times at a fixed rate, the same times for every library. Latency counts from the time an operation was due. "
		l.goroutines, l.sizes, l.sets, l.seconds = []int{256}, []int{64}, []int{0}, 1
		l.load, l.columns, l.ratios = "due", []column{p50, p99, p999, cpu}, []column{p50, p99, p999}
	}
	if busy > 0 {
		l.heading += ", in a busy process"
		l.text += fmt.Sprintf("Beside it %d goroutines of the process compute. ", busy)
		l.sizes, l.sets = []int{64}, []int{0}
		switch l.table {
		case closedTable:
			l.table, l.goroutines, l.seconds = closedBusyTable, []int{16, 256}, 1
			l.columns, l.ratios = []column{rate, p50, p99}, []column{rate, p99}
		case openTable:
			l.table, l.columns = openBusyTable, []column{p50, p99, p999}
		default:
			l.table += ", busy process"
		}
	}
	return l
}
