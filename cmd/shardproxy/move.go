package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/shardring/shardring/cmd/shardproxy/internal/progress"
	"github.com/shardring/shardring/cmd/shardproxy/internal/table"
	"github.com/shardring/shardring/shard/migrate"
)

// moveOptions are the flags of move.
type moveOptions struct {
	source
	migrate.Options
	way                                 string
	dryRun, resume, abort, back, retire bool
	kill                                string // the step before whose act the process kills itself, for tests
}

// moveCommand moves a shard to another server.
func moveCommand() *cobra.Command {
	var o moveOptions
	cmd := &cobra.Command{
		Use:   "move --shard NAME --to HOST:PORT [-c FILE] [-p POOL]",
		Short: "Move a shard to another server, in use, losing nothing",
		Long: `Move a shard to another server while it is in use. The server becomes a replica
of the shard's primary, gets its data, and changes places with it; the file gets
the new address, proxies are told. No acknowledged write is lost, and clients of
proxies and of the library see no error: writes wait for some milliseconds.

First everything is checked and printed; --dry-run ends there. Every step is in a
journal beside the file before it is made: after a crash or Ctrl-C --resume goes
on, and --abort takes back what has not been switched. The old server stays as a
replica: --back moves the shard to it again, --retire lets it go.`,
		Example: `  shardproxy move -c pools.yml --shard cache-2 --to 10.0.0.9:6379 --dry-run
  shardproxy move -c pools.yml --shard cache-2 --to 10.0.0.9:6379
  shardproxy move -c pools.yml --resume
  shardproxy move -c pools.yml --shard cache-2 --back
  shardproxy move -c pools.yml --shard cache-2 --retire`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	o.fileFlag(cmd)
	o.poolFlag(cmd)
	f := cmd.Flags()
	f.StringVar(&o.Shard, "shard", "", "the `name` of the shard")
	f.StringVar(&o.To, "to", "", "the server that is to have it, `host:port`")
	f.BoolVar(&o.dryRun, "dry-run", false, "check, and change nothing")
	f.StringVar(&o.way, "switch", "auto", "how writes are handed over: auto, pause, fence or failover")
	f.DurationVar(&o.PauseFor, "pause", 2*time.Second, "how long writes may wait before an attempt to switch is given up")
	f.BoolVar(&o.FlushTarget, "flush-target", false, "what the new server holds may be lost")
	f.BoolVar(&o.CopyConfig, "copy-config", false, "set there what replication does not carry: settings and users")
	f.StringArrayVar(&o.Admin, "admin", nil, "the admin `address` of a proxy to tell, beside that of the file; may be repeated")
	f.BoolVar(&o.resume, "resume", false, "go on with the move that was stopped")
	f.BoolVar(&o.abort, "abort", false, "take back the move that was stopped")
	f.BoolVar(&o.back, "back", false, "move the shard to the server that it was moved from")
	f.BoolVar(&o.retire, "retire", false, "let the server go that the shard was moved from")
	f.StringVar(&o.kill, "kill-before", "", "kill this process before the act of a step")
	_ = f.MarkHidden("kill-before")
	return cmd
}

// check finds flags that do not go together.
func (o *moveOptions) check() error {
	given := 0
	for _, b := range []bool{o.resume, o.abort, o.back, o.retire, o.To != ""} {
		if b {
			given++
		}
	}
	switch {
	case given != 1:
		return usagef("want one of --to, --back, --resume, --abort and --retire")
	case o.Shard == "" && !o.resume && !o.abort:
		return usagef("no --shard: name the one to move")
	case o.PauseFor <= 0 || o.PauseFor > time.Minute:
		return usagef("--pause %v: want more than 0, and no more than 1m", o.PauseFor)
	case o.dryRun && (o.resume || o.abort || o.retire):
		return usagef("--dry-run goes with --to or --back")
	}
	var err error
	if o.Way, err = migrate.ParseWay(o.way); err != nil {
		return usagef("--switch %w", err)
	}
	return nil
}

func (o *moveOptions) run(cmd *cobra.Command) error {
	if err := o.check(); err != nil {
		return err
	}
	if _, err := o.file(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	out := cmd.OutOrStdout()
	shown := &moveProgress{cmd.ErrOrStderr(), progress.New(cmd.ErrOrStderr(), terminalWriter(cmd.ErrOrStderr()))}
	o.Config, o.Pool, o.Back, o.Progress = o.path, o.name, o.back, shown.show
	if o.kill != "" {
		o.Before = killBefore(o.kill)
	}
	m, err := migrate.New(o.Options)
	if err != nil {
		return err
	}
	defer m.Close()
	act := m.Run
	switch {
	case o.resume:
		act = m.Resume
	case o.abort:
		act = m.Abort
	case o.retire:
		act = m.Retire
	default:
		if err := o.preflight(ctx, m, out); err != nil || o.dryRun {
			return err
		}
	}
	result, err := act(ctx)
	shown.copied.End()
	if err != nil {
		return err
	}
	switch {
	case o.abort:
		fmt.Fprintf(out, "Taken back: shard %s is at %s as before.\n", result.Shard, result.Source)
	case o.retire:
		fmt.Fprintf(out, "%s is no replica any more and may be shut down.\n", result.Source)
	default:
		fmt.Fprintf(out, "Moved: shard %s is at %s; %s is its replica.", result.Shard, result.Target, result.Source)
		if result.Frozen > 0 {
			fmt.Fprintf(out, " Writes were held for %v", result.Frozen.Round(100*time.Microsecond))
			if result.Attempts > 1 {
				fmt.Fprintf(out, ", the longest of %d attempts", result.Attempts)
			}
			fmt.Fprint(out, ".")
		}
		fmt.Fprintln(out)
		if len(result.Told) == 0 {
			fmt.Fprintln(out, "No proxy was told, as none is known (admin: in the file, or --admin): they follow the nodes by themselves.")
		}
		fmt.Fprintf(out, "shardproxy move -c %s --shard %s --back moves it there again, --retire lets that server go.\n", o.path, result.Shard)
	}
	return nil
}

// preflight prints what is found.
func (o *moveOptions) preflight(ctx context.Context, m *migrate.Move, out io.Writer) error {
	report, err := m.Preflight(ctx)
	if err != nil {
		return err
	}
	t := table.New(out, "CHECK", "RESULT", "FOUND")
	for _, c := range report.Checks {
		t.Row(c.Name, c.Verdict.String(), c.Found)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return report.Refused()
}

// killBefore ends this process as a crash would.
func killBefore(step string) func(migrate.Step) error {
	return func(s migrate.Step) error {
		if s.String() != step {
			return nil
		}
		self, err := os.FindProcess(os.Getpid())
		if err != nil {
			return err
		}
		if err := self.Kill(); err != nil {
			return err
		}
		select {} // until the signal is here
	}
}

// moveProgress prints events, the copy's as it goes on.
type moveProgress struct {
	w      io.Writer
	copied *progress.Progress
}

func (p *moveProgress) show(e migrate.Event) {
	switch {
	case e.Warning:
		p.copied.End()
		fmt.Fprintf(p.w, "warning: %s\n", e.Text)
	case e.Step == migrate.Planned:
		fmt.Fprintln(p.w, e.Text)
	case e.Step != migrate.Sync:
		p.copied.End()
		fmt.Fprintf(p.w, "%s: %s\n", e.Step, e.Text)
	case e.Total > 0:
		p.copied.Bytes("sync", e.Bytes, e.Total, fmt.Sprintf("%s, %v left", e.Text, e.Left.Round(time.Second)))
	default:
		p.copied.Say("sync", e.Text)
	}
}
