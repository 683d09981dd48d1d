package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/shardring/shardring/shard/shardtest/program"
)

func main() { program.Main("chaos", command) }

func command(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.SetOutput(stderr)
	only := flags.String("only", "", "scenarios to run, separated by commas (default: all)")
	seconds := flags.Float64("seconds", 6, "length of the time before a fault and of that after it; the fault itself takes as long as it takes")
	list := flags.Bool("list", false, "list the scenarios and end")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	if *seconds < 1 || *seconds > 3600 {
		return fmt.Errorf("--seconds %v: want 1 to 3600", *seconds)
	}
	chosen, err := choose(scenarios(), *only)
	if err != nil {
		return err
	}
	if *list {
		for _, s := range chosen {
			fmt.Fprintf(stdout, "%-22s %s\n", s.name, s.about)
		}
		return nil
	}
	dir, err := os.MkdirTemp("", "chaos-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary, err := program.Build(ctx, dir, program.Shardproxy)
	if err != nil {
		return err
	}
	e := env{shardproxy: binary, stretch: time.Duration(*seconds * float64(time.Second)), limit: 3 * time.Second, patience: 1}
	var rows []*row
	for i, s := range chosen {
		fmt.Fprintf(stderr, "[%d/%d] %s: %s\n", i+1, len(chosen), s.name, s.about)
		r := e.play(ctx, s)
		if ctx.Err() != nil {
			break
		}
		rows = append(rows, r)
		r.details(stderr)
	}
	table(stdout, rows)
	if failed := slices.DeleteFunc(rows, func(r *row) bool { return len(r.failures) == 0 }); len(failed) > 0 {
		return fmt.Errorf("%d of %d scenarios failed", len(failed), len(chosen))
	}
	return ctx.Err()
}

// choose picks scenarios by the names in list, in the order of all.
func choose(all []scenario, list string) ([]scenario, error) {
	if list == "" {
		return all, nil
	}
	return program.Choose("--only", "scenario", all, func(s scenario) string { return s.name }, list)
}
