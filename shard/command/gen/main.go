// Command gen writes the command table that package command is built with: it
// starts a redis-server of its own, asks it COMMAND and COMMAND DOCS, and prints
// the answer as Go literals.
//
//	go run ./gen -o zz_table.go        # in shard/command; or: go generate ./shard/command
//
// The server listens on a Unix socket in a temporary directory and is stopped at
// the end.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
)

func main() {
	out := flag.String("o", "zz_table.go", "the file to write")
	server := flag.String("server", "redis-server", "the redis-server to ask")
	flag.Parse()
	if err := run(*server, *out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(server, out string) error {
	path, err := exec.LookPath(server)
	if err != nil {
		return fmt.Errorf("%w; on Debian: apt-get install redis-server", err)
	}
	table, err := ask(path)
	if err != nil {
		return err
	}
	src, err := render(table)
	if err != nil {
		return err
	}
	return os.WriteFile(out, src, 0o644)
}
