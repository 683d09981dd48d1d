package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/shardring/shardring/cmd/shardproxy/internal/demo"
	"github.com/shardring/shardring/cmd/shardproxy/internal/nodes"
	"github.com/shardring/shardring/proxy"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
)

const (
	demoHost   = "127.0.0.1"
	demoPort   = 6380
	demoShards = 64 // at most
)

// demoOptions are the flags of demo.
type demoOptions struct {
	pool         string
	shards, port int
	embedded     bool
}

// demoCommand serves shards that it starts itself.
func demoCommand() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Start shards to play with, and say what to type",
		Long: `Start shards, serve them, and say what to type. The shards are redis-servers if
one is installed, else they live in this process; nothing is kept of either.
Ctrl-C ends all that was started.`,
		Example: `  shardproxy demo
  shardproxy demo --shards 8 --port 7000
  shardproxy demo --embedded`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	f := cmd.Flags()
	f.StringVar(&o.pool, "pool", "cache", "the pool's `name`")
	f.IntVar(&o.shards, "shards", 4, "how many shards, 1 to 64")
	f.IntVar(&o.port, "port", demoPort, "where to listen on 127.0.0.1, 0: a free port (default: 6380, or a free port if that is taken)")
	f.Lookup("port").DefValue = "0" // so that the help does not name it twice
	f.BoolVar(&o.embedded, "embedded", false, "run the shards in this process even if there is a redis-server")
	return cmd
}

func (o *demoOptions) run(cmd *cobra.Command) (err error) {
	switch {
	case o.shards < 1 || o.shards > demoShards:
		return usagef("--shards %d: want 1 to %d", o.shards, demoShards)
	case o.port < 0 || o.port > 65535:
		return usagef("--port %d: want 0 to 65535", o.port)
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	shards, err := o.start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, shards.Close()) }()
	p, port, err := o.listen(shards, cmd.Flags().Changed("port"), cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "shardproxy-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := o.guide(ctx, cmd.OutOrStdout(), dir, port, shards); err != nil {
		return err
	}
	if err := p.Run(ctx); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "\nStopped, with %s.\n", counted(o.shards, "shard"))
	return nil
}

// start starts the shards, in this process where there is no redis-server.
func (o *demoOptions) start(ctx context.Context) (*demo.Shards, error) {
	if !o.embedded {
		shards, err := demo.Servers(ctx, o.shards)
		var missing *shardtest.MissingError
		if !errors.As(err, &missing) {
			return shards, err
		}
	}
	return demo.Embedded(o.shards)
}

// listen makes the proxy and returns its port. If the port was not asked for
// and is taken, the kernel chooses one.
func (o *demoOptions) listen(shards *demo.Shards, asked bool, stderr io.Writer) (*proxy.Proxy, int, error) {
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	port := o.port
	for {
		file, err := config.Parse("demo", o.config(port, shards))
		if err != nil {
			return nil, 0, err
		}
		p, err := proxy.New(file, proxy.Options{Log: log})
		if errors.Is(err, syscall.EADDRINUSE) && !asked && port != 0 {
			port = 0
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		return p, p.Addr(0).(*net.TCPAddr).Port, nil
	}
}

// config is the file that the demo serves, and writes for others to read.
func (o *demoOptions) config(port int, shards *demo.Shards) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:\n  listen: %s:%d\n  redis: true\n  shards:\n", strconv.Quote(o.pool), demoHost, port)
	for i, addr := range shards.Addrs {
		fmt.Fprintf(&b, "    - {name: %s, primary: %s}\n", strconv.Quote(fmt.Sprintf("%s-%d", o.pool, i+1)), addr)
	}
	return []byte(b.String())
}

// guide writes the files that the commands need and prints what to type.
func (o *demoOptions) guide(ctx context.Context, out io.Writer, dir string, port int, shards *demo.Shards) error {
	addr := net.JoinHostPort(demoHost, strconv.Itoa(port))
	g := demo.Guide{
		Host: demoHost, Port: strconv.Itoa(port), Program: demo.Self(),
		Config: filepath.Join(dir, defaultFile), Script: filepath.Join(dir, "hello.go"),
	}
	if wd, err := os.Getwd(); err == nil {
		g.Module = demo.Module(wd)
	}
	if err := os.WriteFile(g.Config, o.config(port, shards), 0o600); err != nil {
		return err
	}
	if err := demo.WriteScript(g.Script, addr, g.Module != ""); err != nil {
		return err
	}
	kind := shards.Kind
	if a := nodes.Ask(ctx, []nodes.Probe{{Network: "tcp", Addr: shards.Addrs[0], Redis: true, Primary: true}}, time.Second); !o.embedded && a[0].Version != "" {
		kind += " " + a[0].Version
	}
	fmt.Fprintf(out, "Pool %s is served on %s: %s (%s).\n", o.pool, addr, counted(o.shards, "shard"), kind)
	if port != o.port && o.port != 0 {
		fmt.Fprintf(out, "Port %d was taken; --port says which to take.\n", o.port)
	}
	fmt.Fprintf(out, "Its file is %s.\n\nIn another terminal:\n\n", g.Config)
	if err := g.Print(out); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, "Ctrl-C ends everything.")
	return err
}
