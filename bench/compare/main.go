package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/shardring/shardring/bench/internal/machine"
	"github.com/shardring/shardring/shard/shardtest/program"
)

const usage = `usage: go run . ring [flags]      lookups of a key's shard
       go run . library [flags]   commands through four redis-servers
       go run . all [flags]       everything, about 6 minutes`

func main() { program.Main("compare", run) }

// measurement does what the flags of its command say, once they are parsed,
// and tells its progress. What it has found so far may come back beside an error.
type measurement func(ctx context.Context, stderr io.Writer) (table, error)

// parse reads a command line; more registers flags besides the command's own.
func parse(args []string, stderr io.Writer, more func(*flag.FlagSet)) (measurement, error) {
	if len(args) == 0 {
		return nil, errors.New(usage)
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(stderr)
	more(flags)
	var m measurement
	switch args[0] {
	case "ring":
		m = ringCommand(flags)
	case "library":
		m = libraryCommand(flags)
	case "all":
		m = everything
	default:
		return nil, fmt.Errorf("no comparison %q\n%s", args[0], usage)
	}
	if err := flags.Parse(args[1:]); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return m, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var out, profile string
	m, err := parse(args, stderr, func(flags *flag.FlagSet) {
		flags.StringVar(&out, "out", "", "also write the report to this `file`")
		flags.StringVar(&profile, "cpuprofile", "", "write a CPU profile of this process to this `file`")
	})
	if err != nil {
		return err
	}
	if out != "" {
		f, err := os.OpenFile(out, os.O_CREATE|os.O_WRONLY, 0o666) // better now than after six minutes
		if err != nil {
			return fmt.Errorf("--out: %w", err)
		}
		f.Close()
	}
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return fmt.Errorf("--cpuprofile: %w", err)
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return fmt.Errorf("--cpuprofile: %w", err)
		}
		defer pprof.StopCPUProfile()
	}
	begin := time.Now()
	t, err := m(ctx, stderr)
	if len(t.sections) == 0 {
		return err
	}
	var report strings.Builder
	fmt.Fprintf(&report, "# Ring and library beside others\n\n`go run . %s` in bench/compare, %s, in %v.\n\n", strings.Join(args, " "),
		begin.Format("2006-01-02 15:04 MST"), time.Since(begin).Round(time.Second))
	for _, fact := range machine.Facts() {
		fmt.Fprintf(&report, "- %s\n", fact)
	}
	fmt.Fprintf(&report, "\n%v", t)
	if out != "" {
		err = errors.Join(err, os.WriteFile(out, []byte(report.String()), 0o666))
	}
	_, writeErr := io.WriteString(stdout, report.String())
	return errors.Join(err, t.err(), writeErr)
}

// parts are the command lines of everything, about six minutes of them.
func parts() [][]string {
	return [][]string{
		{"ring"},
		{"library"},
		{"library", "--pipeline", "100"},
		{"library", "--open"},
		{"library", "--busy", "-1"},
		{"library", "--open", "--busy", "-1"},
	}
}

func everything(ctx context.Context, stderr io.Writer) (table, error) {
	var all table
	for _, args := range parts() {
		m, err := parse(args, stderr, func(*flag.FlagSet) {})
		if err != nil {
			return all, err
		}
		t, err := m(ctx, stderr)
		if len(t.sections) > 0 {
			t.sections[0].text = fmt.Sprintf("`go run . %s`: %s", strings.Join(args, " "), t.sections[0].text)
		}
		all.sections = append(all.sections, t.sections...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
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
