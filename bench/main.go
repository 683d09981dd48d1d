package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := mainContext(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are the command line.
type options struct {
	set     string
	only    string
	targets string
	proxy   string
	seconds float64
	rounds  int
	idle    int
	out     string
}

func parseOptions(args []string, usage io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(usage)
	var sets []string
	for _, s := range loadSets() {
		sets = append(sets, fmt.Sprintf("\n%s: %s", s.name, s.about))
	}
	flags.StringVar(&o.set, "set", "short", "which loads:"+strings.Join(sets, ""))
	flags.StringVar(&o.only, "only", "", "only the loads of the set whose name matches this regular `expression`, as 'MGET.*P8'")
	flags.StringVar(&o.targets, "targets", "direct,nutcracker,haproxy,shardproxy", "what to measure, of these and goroutine")
	flags.StringVar(&o.proxy, "shardproxy-bin", "", "`path` of a shardproxy, instead of building it")
	flags.Float64Var(&o.seconds, "seconds", 0, "about how long each run takes (default: by the set)")
	flags.IntVar(&o.rounds, "rounds", 0, "how often each target runs each load (default: by the set)")
	flags.IntVar(&o.idle, "idle", 0, "also print the memory of this `number` of idle clients")
	flags.StringVar(&o.out, "out", "", "also write the report to this `file`")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.seconds < 0 || o.seconds > 3600:
		return o, fmt.Errorf("--seconds %g: want 0 to 3600", o.seconds)
	case o.rounds < 0 || o.rounds > 1000:
		return o, fmt.Errorf("--rounds %d: want 0 to 1000", o.rounds)
	case o.idle < 0:
		return o, fmt.Errorf("--idle %d: want a number of clients", o.idle)
	}
	return o, nil
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
	if len(p.loads) == 0 && o.idle == 0 {
		return plan{}, errors.New("nothing to measure: no load of the set matches, and no --idle")
	}
	return p, nil
}

func mainContext(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parseOptions(args, stderr)
	if err != nil {
		return err
	}
	p, err := o.plan(stderr)
	if err != nil {
		return err
	}
	if err := supported(); err != nil {
		return err
	}
	if _, err := raiseFileLimit(); err != nil {
		return err
	}
	shardproxy, cleanup, err := o.shardproxy(ctx)
	if err != nil {
		return err
	}
	defer cleanup()
	chosen, err := chooseTargets(targets(shardproxy), o.targets)
	if err != nil {
		return err
	}
	begin := time.Now()
	r := report{facts: gatherFacts(ctx, args, begin, shardproxy), targets: chosen, plan: p}
	r.results, r.idle, err = measure(ctx, o, p, chosen)
	r.took = time.Since(begin)
	if writeErr := r.publish(stdout, o.out); writeErr != nil {
		return errors.Join(err, writeErr)
	}
	if n := r.failures(); n > 0 {
		err = errors.Join(err, fmt.Errorf("%d runs of shardproxy failed, see the report", n))
	}
	return err
}

// measure runs the loads, then the idle clients. What it has found comes back
// also beside an error.
func measure(ctx context.Context, o options, p plan, chosen []target) (results []result, idle []idleResult, err error) {
	if len(p.loads) > 0 {
		f, err := startFleet(ctx, 4, chosen)
		if err != nil {
			return nil, nil, err
		}
		results, err = f.run(ctx, p)
		f.close()
		if err != nil {
			return results, nil, err
		}
	}
	if o.idle > 0 {
		idle, err = measureIdle(ctx, chosen, o.idle, p.progress)
	}
	return results, idle, err
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
	if path, err = buildShardproxy(ctx, dir); err != nil {
		cleanup()
	}
	return path, cleanup, err
}

// publish prints the report and writes it to the file, if one is named.
func (r report) publish(stdout io.Writer, file string) error {
	if len(r.results) == 0 && len(r.idle) == 0 {
		return nil
	}
	var b bytes.Buffer
	if err := r.write(io.MultiWriter(stdout, &b)); err != nil {
		return err
	}
	if file == "" {
		return nil
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}
