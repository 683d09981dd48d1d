package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/shardring/shardring/proxy"
	"github.com/shardring/shardring/proxy/engine"
)

// runOptions are the flags of run.
type runOptions struct {
	source
	driver, logLevel, logFormat string
	loops                       int
	watch                       bool
}

// runCommand serves the pools of a file until SIGTERM or SIGINT.
func runCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run [-c FILE]",
		Short: "Serve the pools of a configuration file",
		Long: `Serve the pools of a configuration file until SIGTERM or SIGINT. Then no client is
accepted and no request read any more, but every request that was read is
answered before the process ends. A second signal ends it at once.

SIGHUP, POST /reload at the admin: address, and with --watch the file itself
when it changes, have the file read again: clients stay connected while pools,
shards, servers, limits and users change. A file that is wrong is refused, and
the log says why.`,
		Example: `  shardproxy run -c pools.yml
  shardproxy run -c /etc/nutcracker/nutcracker.yml --log-format json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	o.fileFlag(cmd)
	f := cmd.Flags()
	f.StringVar(&o.driver, "driver", "", "epoll or goroutine (default: the faster one of this system)")
	f.IntVar(&o.loops, "loops", 0, "event loops, 1 to 1024 (default: loops: of the file, else by the cores)")
	f.BoolVar(&o.watch, "watch", false, "read the file again when it changes (default: watch: of the file)")
	f.StringVar(&o.logLevel, "log-level", "", "debug, info, warn or error (default: log_level: of the file)")
	f.StringVar(&o.logFormat, "log-format", "text", "text or json, to standard error")
	for name, words := range map[string][]string{
		"driver": {"epoll", "goroutine"}, "log-level": {"debug", "info", "warn", "error"}, "log-format": {"text", "json"},
	} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	}
	return cmd
}

func (o *runOptions) run(cmd *cobra.Command) error {
	switch {
	case o.driver != "" && o.driver != string(engine.Epoll) && o.driver != string(engine.Goroutine):
		return usagef("--driver %q: want epoll or goroutine", o.driver)
	case cmd.Flags().Changed("loops") && (o.loops < 1 || o.loops > 1024):
		return usagef("--loops %d: want 1 to 1024", o.loops)
	}
	file, err := o.file()
	if err != nil {
		return err
	}
	level := new(slog.LevelVar)
	level.Set(file.Proxy.LogLevel)
	log, err := o.logger(cmd, level)
	if err != nil {
		return err
	}
	opt := proxy.Options{Driver: engine.Driver(o.driver), Loops: o.loops, Log: log, Watch: o.watch}
	if o.logLevel == "" {
		opt.Level = level
	}
	p, err := proxy.New(file, opt)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal does what it does by default
	defer onHangup(p)()
	return p.Run(ctx)
}

// onHangup has SIGHUP read the file again, until end is called. What came of it is in
// the log.
func onHangup(p *proxy.Proxy) (end func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range hangups {
			_, _ = p.ReloadFile("SIGHUP", false)
		}
	}()
	return func() {
		signal.Stop(hangups)
		close(hangups)
		<-done
	}
}

// logger returns the log that the flags ask for; level is the file's.
func (o *runOptions) logger(cmd *cobra.Command, level *slog.LevelVar) (*slog.Logger, error) {
	if o.logLevel != "" {
		switch strings.ToLower(o.logLevel) {
		case "debug", "info", "warn", "error":
			_ = level.UnmarshalText([]byte(o.logLevel))
		default:
			return nil, usagef("--log-level %q: want debug, info, warn or error", o.logLevel)
		}
	}
	opt := &slog.HandlerOptions{Level: level}
	switch o.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), opt)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), opt)), nil
	}
	return nil, usagef("--log-format %q: want text or json", o.logFormat)
}
