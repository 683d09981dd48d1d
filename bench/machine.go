package main

import (
	"context"
	"strings"
	"time"

	"github.com/shardring/shardring/bench/internal/machine"
)

// facts are what a reader needs to judge and repeat the figures.
type facts struct {
	Command string
	Date    time.Time
	Lines   []string // the machine and the versions
}

func gatherFacts(ctx context.Context, args []string, date time.Time, shardproxy string) facts {
	f := facts{Command: "go run ./bench " + strings.Join(args, " "), Date: date, Lines: machine.Facts()}
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
		if line := machine.FirstLine(ctx, version[0], version[1:]...); line != "" {
			f.Lines = append(f.Lines, line)
		}
	}
	return f
}
