package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/shardring/shardring/bench/internal/machine"
)

const usage = `usage: go run . ring [flags]      lookups of a key's shard
       go run . library [flags]   commands through four redis-servers`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	var t table
	var err error
	begin := time.Now()
	switch args[0] {
	case "ring":
		t, err = ringCommand(ctx, args[1:], stderr)
	case "library":
		t, err = libraryCommand(ctx, args[1:], stderr)
	default:
		return fmt.Errorf("no comparison %q\n%s", args[0], usage)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "`go run . %s` in bench/compare, %s, in %v.\n\n", strings.Join(args, " "),
		begin.Format("2006-01-02 15:04 MST"), time.Since(begin).Round(time.Second))
	for _, fact := range machine.Facts() {
		fmt.Fprintf(stdout, "- %s\n", fact)
	}
	fmt.Fprintln(stdout)
	return t.write(stdout)
}

// schedule calls measure for every contender in every round, each round
// beginning with another contender, so that what else the machine does meets
// all of them. It stops with the context.
func schedule(ctx context.Context, rounds, contenders int, measure func(contender int) error) error {
	for round := range rounds {
		for turn := range contenders {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := measure((round + turn) % contenders); err != nil {
				return err
			}
		}
	}
	return nil
}
