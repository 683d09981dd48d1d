// Package program is what the programs that measure and test the others begin with:
//
//	func main() { program.Main("bench", run) }
//
// It knows nothing of what they do.
package program

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Main runs a program with this process's arguments, and its context ends with SIGINT
// or SIGTERM. An error is told on standard error behind the program's name, and makes
// the status 1; flag.ErrHelp is none. Main must be all that main does.
func Main(name string, run func(ctx context.Context, args []string, stdout, stderr io.Writer) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// Shardproxy is the import path of the proxy's command, for Build.
const Shardproxy = "github.com/shardring/shardring/cmd/shardproxy"

// Build compiles a command of this module into dir, and returns the path of the
// binary, which is called as the command is. An error holds what the compiler says.
func Build(ctx context.Context, dir, pkg string) (string, error) {
	name := path.Base(pkg)
	binary := filepath.Join(dir, name)
	out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, pkg).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return binary, nil
}

// Choose picks those of all whose names are in list, separated by commas, and keeps the
// order of all. The error names flag, kind, as "target", and what there is.
func Choose[T any](flag, kind string, all []T, name func(T) string, list string) ([]T, error) {
	var known []string
	for _, t := range all {
		known = append(known, name(t))
	}
	wanted := strings.Split(list, ",")
	for _, w := range wanted {
		if !slices.Contains(known, w) {
			return nil, fmt.Errorf("%s: no %s %q, there are %s", flag, kind, w, strings.Join(known, ", "))
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(t T) bool { return !slices.Contains(wanted, name(t)) }), nil
}
