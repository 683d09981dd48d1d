package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// syscallResult is how often a target's process called the kernel.
type syscallResult struct {
	target   target
	load     Load
	requests int
	calls    []syscallCount // the most frequent first
	err      error
}

type syscallCount struct {
	name  string
	calls int
}

// syscallSection is in the order of the loads, then of the targets.
type syscallSection []syscallResult

const (
	syscallRequests = 50_000 // so many that the clients' connects do not show
	syscallLeast    = 0.005  // calls a request that are worth a name
)

func syscallLoads() []Load {
	return []Load{
		{"GET", 1, 64, 50, 1},
		{"GET", 1, 64, 50, 16},
	}
}

// measureSyscalls runs each load once on each sharding proxy, under strace.
func measureSyscalls(ctx context.Context, progress io.Writer, chosen []target, requests int) (syscallSection, error) {
	f, err := startFleet(ctx, 4, sharders(chosen))
	if err != nil {
		return nil, err
	}
	defer f.close()
	if err := f.preload(syscallLoads()[0]); err != nil {
		return nil, err
	}
	var results syscallSection
	for _, load := range syscallLoads() {
		for _, t := range f.targets {
			fmt.Fprintf(progress, "system calls of %s, %s\n", t.name, load)
			r := syscallResult{target: t.target, load: load, requests: requests}
			r.calls, r.err = countSyscalls(ctx, t.pid(), func(ctx context.Context) error {
				_, err := redisBenchmark(ctx, t.addr, load, requests)
				return err
			})
			if err := ctx.Err(); err != nil {
				return results, err
			}
			results = append(results, r)
		}
	}
	return results, nil
}

// countSyscalls attaches strace to all threads of a process while work is done.
func countSyscalls(ctx context.Context, pid int, work func(context.Context) error) ([]syscallCount, error) {
	path, err := exec.LookPath("strace")
	if err != nil {
		return nil, errors.New("strace is not installed: apt-get install -y strace")
	}
	dir, err := os.MkdirTemp("", "shardring-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	summary := filepath.Join(dir, "summary")

	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	// The kernel ends the child with the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, path, "-c", "-f", "-U", "calls,name", "-o", summary, "-p", strconv.Itoa(pid))
	cmd.SysProcAttr = endWithParent()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	said, last := bufio.NewScanner(stderr), ""
	for !strings.Contains(last, " attached") {
		if !said.Scan() {
			return nil, fmt.Errorf("%s: %w", last, cmd.Wait())
		}
		last = said.Text()
	}
	workErr := work(ctx)
	_ = cmd.Process.Signal(os.Interrupt) // it detaches and writes its summary
	for said.Scan() {
	}
	waitErr := cmd.Wait() // also of a good run: strace ends as the interrupted do
	if workErr != nil {
		return nil, workErr
	}
	text, err := os.ReadFile(summary)
	if err != nil {
		return nil, errors.Join(err, waitErr)
	}
	return parseStrace(string(text))
}

// parseStrace reads the table that strace -c -U calls,name writes: a count
// and a name a line, between rules, then the total.
func parseStrace(text string) ([]syscallCount, error) {
	var counts []syscallCount
	sum, total := 0, -1
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) != 2 {
			continue
		}
		n, err := strconv.Atoi(fields[0])
		if err != nil {
			continue // the head, or a rule
		}
		if fields[1] == "total" {
			total = n
			break
		}
		counts = append(counts, syscallCount{fields[1], n})
		sum += n
	}
	if total < 0 || sum != total {
		return nil, fmt.Errorf("the summary of strace has %d calls by name and a total of %d", sum, total)
	}
	slices.SortStableFunc(counts, func(a, b syscallCount) int { return b.calls - a.calls })
	return counts, nil
}

func (s syscallSection) write(b *strings.Builder) {
	if len(s) == 0 {
		return
	}
	fmt.Fprintf(b, "## System calls\n\nOf the proxy's process for a request, over %s requests with the clients' connects, counted by strace. "+
		"strace slows the proxy down, so more is ready at a time and fewer waits (epoll_wait, epoll_pwait) are needed than without.\n\n", thousands(s[0].requests))
	b.WriteString("| load | target | calls a request | by name |\n|---|---|---:|---|\n")
	for _, r := range s {
		if r.err != nil {
			continue
		}
		sum := 0
		var names []string
		for _, c := range r.calls {
			sum += c.calls
			if each := float64(c.calls) / float64(r.requests); each >= syscallLeast {
				names = append(names, fmt.Sprintf("%s %.2f", c.name, each))
			}
		}
		fmt.Fprintf(b, "| %s | %s | %.2f | %s |\n", r.load, r.target.name, float64(sum)/float64(r.requests), strings.Join(names, ", "))
	}
	b.WriteString("\n")
	for _, r := range s {
		if r.err != nil {
			fmt.Fprintf(b, "%s, %s: %v\n\n", r.target.name, r.load, r.err)
		}
	}
}

// failures counts none: without strace, or leave to use it, there is no table,
// and that shardproxy answers rightly is not the question here.
func (syscallSection) failures() int { return 0 }
