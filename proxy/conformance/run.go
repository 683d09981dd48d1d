package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"github.com/shardring/shardring/shard/shardtest"
)

const (
	// stallLimit is how long a test may say nothing. The longest takes ten
	// seconds on a machine of its own, and 50 on one that is busy.
	stallLimit = 90 * time.Second

	// unitLimit ends a unit in which runtest itself hangs.
	unitLimit = 10 * time.Minute

	// hangLimit is how many tests of a unit may hang before it is given up.
	hangLimit = 5

	// tags leaves out what wants more than a server that answers: replicas, the
	// DEBUG command, saved files; and tests that only take longer.
	tags = "-needs:repl -needs:debug -needs:pfdebug -needs:save -slow"
)

// runner runs units in one mode.
type runner struct {
	suite suite
	mode  mode
	proxy string // path of the binary
}

// throughProxy runs one unit against the proxy. A test that is listed may leave
// behind what fails the next ones, as a script that runs for ever: so the others
// are taken from a second run without the listed ones.
func (r runner) throughProxy(ctx context.Context, unit string, listed []string) (output, error) {
	all, err := r.run(ctx, unit, proxyTarget, nil)
	if err != nil || len(listed) == 0 {
		return all, err
	}
	others, err := r.run(ctx, unit, proxyTarget, listed)
	others.take(listed, all)
	return others, err
}

// run runs one unit against a target, without the tests in skip. Where a test
// hangs, the unit runs again without it, too, so that those behind it are seen.
func (r runner) run(ctx context.Context, unit string, t target, skip []string) (output, error) {
	var hung []string
	for {
		out, err := r.once(ctx, unit, t, slices.Concat(skip, hung))
		if err != nil {
			return out, err
		}
		more := out.hung != "" && !slices.Contains(hung, out.hung)
		if more {
			hung = append(hung, out.hung)
		}
		if !more || len(hung) == hangLimit {
			out.markHung(hung)
			return out, nil
		}
	}
}

// once runs one unit once, with processes of its own. Tests named in skip are
// left out.
func (r runner) once(ctx context.Context, unit string, t target, skip []string) (out output, err error) {
	f, err := startFleet(ctx, r.mode, t, r.proxy)
	if err != nil {
		return output{}, err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	base, err := basePort()
	if err != nil {
		return output{}, err
	}
	limited, cancel := context.WithTimeout(ctx, unitLimit)
	defer cancel()
	text, err := runToEnd(r.suite.command(limited, r.arguments(unit, f, base, skip)...), r.suite.dir)
	switch exit := (*exec.ExitError)(nil); {
	case ctx.Err() != nil:
		return output{}, ctx.Err()
	case limited.Err() != nil:
		out = parseOutput(text)
		out.broke(fmt.Sprintf("killed after %v", unitLimit))
		return out, nil
	case errors.As(err, &exit): // it exits with 1 when a test fails
	case err != nil:
		return output{}, fmt.Errorf("runtest: %w\n%s", err, text)
	}
	out = parseOutput(text)
	if !out.ended() {
		return out, fmt.Errorf("runtest ended before the unit did (%v):\n%s", err, text)
	}
	for _, crash := range f.crashes() {
		out.broke(crash)
	}
	return out, nil
}

// runToEnd runs cmd and returns what it printed. It goes through a file in dir,
// as some tests leave a process behind that would keep a pipe open.
func runToEnd(cmd *exec.Cmd, dir string) (string, error) {
	file, err := os.CreateTemp(dir, "output-")
	if err != nil {
		return "", err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	cmd.Stdout, cmd.Stderr = file, file
	runErr := cmd.Run()
	if cmd.Process != nil {
		_ = cmd.Cancel() // those processes
	}
	text, err := os.ReadFile(file.Name())
	return string(text), errors.Join(runErr, err)
}

// basePort finds a port for runtest to listen on, of which it wants to know the
// one 32 above. It looks for a free one itself, and finds the first even if it
// is taken.
func basePort() (int, error) {
	for range 100 {
		port, err := shardtest.FreePort()
		if err != nil {
			return 0, err
		}
		if port < 1<<16-10000-32 { // it tries the port 10000 above, too
			return port + 32, nil
		}
	}
	return 0, errors.New("no port below 55504 is free")
}

func (r runner) arguments(unit string, f fleet, basePort int, skip []string) []string {
	host, port := f.front()
	args := []string{
		"--host", host, "--port", port, "--single", unit, "--tags", tags,
		"--ignore-encoding", "--ignore-digest",
		"--durable", // an error reply ends its test only, not the unit
		"--baseport", strconv.Itoa(basePort),
		"--timeout", strconv.Itoa(int(stallLimit.Seconds())),
	}
	args = append(args, r.mode.args...)
	for _, name := range skip {
		args = append(args, "--skiptest", name)
	}
	return args
}
