package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/shardring/shardring/bench/internal/machine"
	"github.com/shardring/shardring/shard/shardtest/program"
)

func main() { program.Main("bench", mainContext) }

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
	if _, err := machine.RaiseFileLimit(); err != nil {
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
	r := report{facts: gatherFacts(ctx, args, begin, shardproxy), targets: chosen}
	r.sections, err = measure(ctx, o, p, chosen)
	r.took = time.Since(begin)
	if writeErr := r.publish(stdout, o.out); writeErr != nil {
		return errors.Join(err, writeErr)
	}
	if n := r.failures(); n > 0 {
		err = errors.Join(err, fmt.Errorf("%d runs of shardproxy failed, see the report", n))
	}
	return err
}

// measure makes the wanted measurements one after the other. What it has found
// comes back also beside an error.
func measure(ctx context.Context, o options, p plan, chosen []target) ([]section, error) {
	var found []section
	for _, kind := range []struct {
		wanted  bool
		measure func() (section, error)
	}{
		{len(p.loads) > 0, func() (section, error) { return measureLoads(ctx, p, chosen) }},
		{o.open, func() (section, error) { return measureOpen(ctx, p, chosen) }},
		{o.single, func() (section, error) { return measureSingle(ctx, p, chosen) }},
		{o.memcached, func() (section, error) { return measureMemcached(ctx, p, chosen) }},
		{len(o.idle) > 0, func() (section, error) { return measureIdle(ctx, p.progress, chosen, o.idle) }},
		{o.churn > 0, func() (section, error) { return measureChurn(ctx, p.progress, chosen, o.churn) }},
		{o.syscalls, func() (section, error) { return measureSyscalls(ctx, p.progress, chosen, syscallRequests) }},
		{o.loops, func() (section, error) { return simulateLoops(), nil }},
	} {
		if !kind.wanted {
			continue
		}
		s, err := kind.measure()
		found = append(found, s)
		if err != nil {
			return found, err
		}
	}
	return found, nil
}

// publish prints the report and writes it to the file, if one is named. There
// is none if nothing was measured.
func (r report) publish(stdout io.Writer, file string) error {
	text := r.String()
	if text == "" {
		return nil
	}
	if _, err := io.WriteString(stdout, text); err != nil || file == "" {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o644)
}
