package main

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// facts are what a reader needs to judge and repeat the figures.
type facts struct {
	Command string
	Date    time.Time
	Lines   []string // the machine and the versions
}

func gatherFacts(ctx context.Context, args []string, date time.Time, shardproxy string) facts {
	f := facts{Command: "go run ./bench " + strings.Join(args, " "), Date: date}
	f.Lines = append(machineFacts(), fmt.Sprintf("cores: %d", runtime.NumCPU()), runtime.Version())
	for _, version := range [][]string{
		{"git", "log", "-1", "--format=shardring commit %h of %cs"},
		{shardproxy, "version"},
		{"redis-server", "--version"},
		{"nutcracker", "--version"},
		{"haproxy", "-v"},
	} {
		if version[0] == "" {
			continue
		}
		out, err := exec.CommandContext(ctx, version[0], version[1:]...).CombinedOutput()
		if line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n"); err == nil && line != "" {
			f.Lines = append(f.Lines, line)
		}
	}
	return f
}
