package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/shardring/shardring/shard/shardtest/program"
)

// listPath is the list of what cannot hold, in the repository.
const listPath = "proxy/CONFORMANCE.md"

func main() { program.Main("conformance", mainContext) }

func mainContext(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parseOptions(args, stderr)
	if err != nil {
		return err
	}
	root, err := repository(ctx)
	if err != nil {
		return err
	}
	listed, err := readList(filepath.Join(root, listPath))
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "shardring-conformance-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r, units, err := prepare(ctx, root, dir, stderr)
	if err != nil {
		return err
	}
	if units = o.choose(units); len(units) == 0 {
		return fmt.Errorf("--unit %s: no unit of the suite matches", o.unit)
	}
	p := printer{text: stdout, progress: stderr, verbose: o.verbose}
	if o.out != "" {
		file, err := os.Create(o.out)
		if err != nil {
			return err
		}
		defer file.Close()
		p.results = file
	}
	var reports []report
	for _, r.mode = range o.modes {
		rep, err := runMode(ctx, r, units, listed, p)
		reports = append(reports, rep)
		if err != nil {
			return err
		}
	}
	p.table(reports)
	return verdict(reports)
}

// prepare makes in dir what a run needs: a copy of the suite, whose units it
// returns, and the proxy.
func prepare(ctx context.Context, root, dir string, progress io.Writer) (r runner, units []string, err error) {
	programs, err := findPrograms()
	if err != nil {
		return r, nil, err
	}
	checkout, err := findSuite(ctx, root, progress)
	if err != nil {
		return r, nil, err
	}
	if r.suite, err = copySuite(checkout, filepath.Join(dir, "suite"), programs); err != nil {
		return r, nil, err
	}
	if units, err = r.suite.units(ctx); err != nil {
		return r, nil, err
	}
	r.proxy, err = program.Build(ctx, dir, program.Shardproxy)
	return r, units, err
}

// runMode runs the units against both targets, one after the other: the tests
// measure times, and two at once would disturb each other.
func runMode(ctx context.Context, r runner, units []string, listed []entry, p printer) (report, error) {
	rep := report{mode: r.mode}
	for _, unit := range units {
		begin := time.Now()
		direct, err := r.run(ctx, unit, directTarget, nil)
		if err != nil {
			return rep, fmt.Errorf("%s: %w", unit, err)
		}
		rep.direct.took += time.Since(begin)
		if !direct.ranAny() {
			continue // all of it wants a server that the suite started itself
		}
		begin = time.Now()
		proxy, err := r.throughProxy(ctx, unit, namesOf(listed, r.mode, unit))
		if err != nil {
			return rep, fmt.Errorf("%s: %w", unit, err)
		}
		rep.proxy.took += time.Since(begin)
		u := compare(unit, direct, proxy)
		u.judge(r.mode, listed)
		rep.add(u)
		if err := p.unit(u); err != nil {
			return rep, err
		}
	}
	return rep, nil
}

// repository is the folder of the module that is being run.
func repository(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the repository (go list -m): %w", err)
	}
	root := strings.TrimSpace(string(out))
	if _, err := os.Stat(filepath.Join(root, listPath)); root == "" || err != nil {
		return "", fmt.Errorf("no %s: run it in a checkout of shardring", listPath)
	}
	return root, nil
}
