package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/shardring/shardring/shard/shardtest/program"
)

// options are the command line.
type options struct {
	set       string
	only      string
	targets   string
	proxy     string
	seconds   float64
	rounds    int
	open      bool
	single    bool
	memcached bool
	idle      []int // numbers of clients
	churn     int   // clients
	syscalls  bool
	loops     bool
	out       string
}

func parseOptions(args []string, usage io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(usage)
	var sets []string
	for _, s := range loadSets() {
		sets = append(sets, fmt.Sprintf("\n%s: %s", s.name, s.about))
	}
	var idle string
	flags.StringVar(&o.set, "set", "short", "which loads:"+strings.Join(sets, ""))
	flags.StringVar(&o.only, "only", "", "only the loads of the set whose name matches this regular `expression`, as 'MGET.*P8'")
	flags.StringVar(&o.targets, "targets", "direct,nutcracker,haproxy,shardproxy", "what to measure, of these and goroutine")
	flags.StringVar(&o.proxy, "shardproxy-bin", "", "`path` of a shardproxy, instead of building it")
	flags.Float64Var(&o.seconds, "seconds", 0, "about how long each run takes (default: by the set)")
	flags.IntVar(&o.rounds, "rounds", 0, "how often each target runs each load (default: by the set)")
	flags.BoolVar(&o.open, "open", false, "also print latencies at a fixed rate")
	flags.BoolVar(&o.single, "single", false, "also print what a proxy costs before one redis-server")
	flags.BoolVar(&o.memcached, "memcached", false, "also print what proxies cost before memcached")
	flags.StringVar(&idle, "idle", "", "also print the memory of these `numbers` of idle clients, as 1000,10000")
	flags.IntVar(&o.churn, "churn", 0, "also print the memory after this `number` of clients have come and gone")
	flags.BoolVar(&o.syscalls, "syscalls", false, "also print the system calls a request, counted by strace")
	flags.BoolVar(&o.loops, "loops", false, "also print what more loops with a core each would serve: a simulation")
	flags.StringVar(&o.out, "out", "", "also write the report to this `file`")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	var err error
	if o.idle, err = parseCounts(idle); err != nil {
		return o, fmt.Errorf("--idle %s: %w", idle, err)
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.seconds < 0 || o.seconds > 3600:
		return o, fmt.Errorf("--seconds %g: want 0 to 3600", o.seconds)
	case o.rounds < 0 || o.rounds > 1000:
		return o, fmt.Errorf("--rounds %d: want 0 to 1000", o.rounds)
	case o.churn < 0:
		return o, fmt.Errorf("--churn %d: want a number of clients", o.churn)
	}
	return o, nil
}

// parseCounts reads "1000,10000". A zero asks for nothing.
func parseCounts(list string) ([]int, error) {
	var counts []int
	for field := range strings.SplitSeq(list, ",") {
		if field == "" {
			continue
		}
		n, err := strconv.Atoi(field)
		if err != nil || n < 0 {
			return nil, errors.New("want numbers of clients with commas between")
		}
		if n > 0 {
			counts = append(counts, n)
		}
	}
	return counts, nil
}

// plan resolves the options that choose loads.
func (o options) plan(progress io.Writer) (plan, error) {
	sets := loadSets()
	i := slices.IndexFunc(sets, func(s loadSet) bool { return s.name == o.set })
	if i < 0 {
		return plan{}, fmt.Errorf("--set: no set %q, see --help", o.set)
	}
	only, err := regexp.Compile(o.only)
	if err != nil {
		return plan{}, fmt.Errorf("--only: %w", err)
	}
	p := plan{rounds: sets[i].rounds, seconds: sets[i].seconds, progress: progress}
	if o.rounds > 0 {
		p.rounds = o.rounds
	}
	if o.seconds > 0 {
		p.seconds = o.seconds
	}
	for _, l := range sets[i].loads {
		if only.MatchString(l.String()) {
			p.loads = append(p.loads, l)
		}
	}
	if len(p.loads) == 0 && !o.open && !o.single && !o.memcached && len(o.idle) == 0 && o.churn == 0 && !o.syscalls && !o.loops {
		return plan{}, errors.New("nothing to measure: no load of the set matches, and nothing else is asked for, as by --idle")
	}
	return p, nil
}

// shardproxy is the path of our binary, built unless the user has one; empty
// if no target needs it.
func (o options) shardproxy(ctx context.Context) (path string, cleanup func(), err error) {
	cleanup = func() {}
	needed := strings.Contains(o.targets, "shardproxy") || strings.Contains(o.targets, "goroutine")
	if !needed || o.proxy != "" {
		return o.proxy, cleanup, nil
	}
	dir, err := os.MkdirTemp("", "shardring-bench-")
	if err != nil {
		return "", cleanup, err
	}
	cleanup = func() { _ = os.RemoveAll(dir) }
	if path, err = program.Build(ctx, dir, program.Shardproxy); err != nil {
		cleanup()
	}
	return path, cleanup, err
}
