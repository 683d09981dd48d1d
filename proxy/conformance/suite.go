package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/shardring/shardring/shard/shardtest"
)

const (
	suiteVersion = "7.0.15"
	suiteSource  = "https://github.com/redis/redis"
	suiteEnv     = "REDIS_SUITE"
)

// findSuite returns the folder of a checkout of Redis: the one that REDIS_SUITE
// names, else the one in the repository's cache, which it clones if it must.
func findSuite(ctx context.Context, root string, progress io.Writer) (string, error) {
	if dir := os.Getenv(suiteEnv); dir != "" {
		if err := checkSuite(dir); err != nil {
			return "", fmt.Errorf("%s=%s: %w", suiteEnv, dir, err)
		}
		return dir, nil
	}
	dir := filepath.Join(root, ".cache", "redis-"+suiteVersion)
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		fmt.Fprintf(progress, "cloning %s %s into %s\n", suiteSource, suiteVersion, dir)
		if err := cloneSuite(ctx, dir); err != nil {
			return "", fmt.Errorf("the test suite of Redis cannot be had: %w\nName a checkout of %s, tag %s, in %s",
				err, suiteSource, suiteVersion, suiteEnv)
		}
	}
	if err := checkSuite(dir); err != nil {
		return "", fmt.Errorf("%s: %w; remove that folder to clone it again", dir, err)
	}
	return dir, nil
}

// cloneSuite makes dir appear only once the clone is complete.
func cloneSuite(ctx context.Context, dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	part, err := os.MkdirTemp(filepath.Dir(dir), "clone-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(part)
	cmd := exec.CommandContext(ctx, "git", "clone", "--quiet", "--depth", "1", "--branch", suiteVersion, suiteSource, part)
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git clone: %w\n%s", err, bytes.TrimSpace(out))
	}
	return os.Rename(part, dir)
}

// checkSuite reports whether dir holds the version whose tests we count.
func checkSuite(dir string) error {
	version, err := os.ReadFile(filepath.Join(dir, "src", "version.h"))
	if err != nil {
		return fmt.Errorf("not a checkout of Redis: %w", err)
	}
	if !strings.Contains(string(version), `"`+suiteVersion+`"`) {
		return fmt.Errorf("not Redis %s: src/version.h says %q", suiteVersion, bytes.TrimSpace(version))
	}
	_, err = os.Stat(filepath.Join(dir, "tests", "test_helper.tcl"))
	return err
}

// suite is a copy of the tests that may be written to.
type suite struct{ dir string }

// copySuite copies the tests from checkout to dir, since they write beside
// themselves, and puts the installed programs where they look for built ones.
func copySuite(checkout, dir string, programs []string) (suite, error) {
	if err := os.CopyFS(filepath.Join(dir, "tests"), os.DirFS(filepath.Join(checkout, "tests"))); err != nil {
		return suite{}, err
	}
	script, err := os.ReadFile(filepath.Join(checkout, "runtest"))
	if err != nil {
		return suite{}, err
	}
	if err := os.WriteFile(filepath.Join(dir, "runtest"), script, 0o755); err != nil {
		return suite{}, err
	}
	src := filepath.Join(dir, "src")
	if err := os.Mkdir(src, 0o755); err != nil {
		return suite{}, err
	}
	for _, path := range programs {
		if err := os.Symlink(path, filepath.Join(src, filepath.Base(path))); err != nil {
			return suite{}, err
		}
	}
	return suite{dir}, nil
}

// findPrograms returns the paths of the programs of Redis that the tests call,
// and looks for an interpreter as runtest does.
func findPrograms() ([]string, error) {
	if !slices.ContainsFunc([]string{"tclsh8.5", "tclsh8.6", "tclsh8.7"}, isInstalled) {
		return nil, &shardtest.MissingError{Program: "tclsh", Install: "apt-get install -y tcl8.6"}
	}
	var paths []string
	for _, p := range []shardtest.MissingError{
		{Program: "redis-server", Install: "apt-get install -y redis-server"},
		{Program: "redis-cli", Install: "apt-get install -y redis-tools"},
		{Program: "redis-benchmark", Install: "apt-get install -y redis-tools"},
	} {
		path, err := exec.LookPath(p.Program)
		if err != nil {
			return nil, &p
		}
		paths = append(paths, path)
	}
	return paths, nil
}

func isInstalled(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// units are the names of the suite's files, in its own order. Many of them run
// only on servers that the suite starts itself.
func (s suite) units(ctx context.Context) ([]string, error) {
	out, err := s.command(ctx, "--list-tests").Output()
	if err != nil {
		return nil, fmt.Errorf("runtest --list-tests: %w", err)
	}
	return strings.Fields(string(out)), nil
}

// command is runtest, in a process group that ends with ctx.
func (s suite) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "./runtest", args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "TERM=dumb") // no colours
	endAsGroup(cmd)
	return cmd
}
