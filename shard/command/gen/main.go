// Command gen writes the command table that package command is built with: it
// starts a redis-server of its own, asks it COMMAND and COMMAND DOCS, and prints
// the answers as Go literals.
//
//	go generate ./shard/command
//
// It reads the replies with package command itself, so it needs an old
// zz_table.go that compiles to write a new one.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
)

func main() {
	out := flag.String("o", "zz_table.go", "the file to write")
	flag.Parse()
	if err := run(context.Background(), *out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string) error {
	table, err := ask(ctx)
	if err != nil {
		return err
	}
	src, err := render(table)
	if err != nil {
		return err
	}
	return os.WriteFile(out, src, 0o644)
}
