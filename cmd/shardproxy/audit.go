package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/shardring/shardring/cmd/shardproxy/internal/progress"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/migrate/audit"
)

// auditOptions are the flags of audit.
type auditOptions struct {
	source
	list, json, delete, repair, yes bool
	against, svg                    string
	library                         audit.Options
	keep                            int // bytes of misplaced keys that are kept between finding and acting
}

// keptBytes is what misplaced keys may take in memory, some 500,000 of them. Where
// there are more, the servers are scanned once more and no key is kept.
const keptBytes = 64 << 20

// auditCommand finds keys on shards that do not own them.
func auditCommand() *cobra.Command { return auditKeeping(keptBytes) }

// auditKeeping is auditCommand with another bound of what is kept.
func auditKeeping(keep int) *cobra.Command {
	o := auditOptions{keep: keep}
	cmd := &cobra.Command{
		Use:   "audit [-c FILE]",
		Short: "Find keys on shards that do not own them, and move them home",
		Long: `Scan the servers of a pool for keys that the ring gives to other shards, and
count them by where they are and whose they are. The command fails while there
are any, so that it can stand in a script.

--repair moves them home, with their values and times to live. A key that is at
home too with another value is a conflict and is left; so is one that changes
all the time. A write is never lost, and it may be interrupted at any point and
begun again. --delete deletes them where they were found, and asks first.

--against compares with the same pool of another file and changes nothing: what
share of the hash space would move, exactly; keys and bytes between each pair of
shards, reckoned from a sample; and the shares before and after.`,
		Example: `  shardproxy audit -c pools.yml
  shardproxy audit -c pools.yml --repair
  shardproxy audit -c pools.yml --list > misplaced.jsonl
  shardproxy audit -c pools.yml --against bigger.yml --svg change.svg`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	o.fileFlag(cmd)
	o.poolFlag(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.list, "list", false, "print every misplaced key, one JSON object a line, in place of the table")
	f.BoolVar(&o.json, "json", false, "print one JSON object in place of the table")
	f.BoolVar(&o.repair, "repair", false, "move misplaced keys to the shards that own them")
	f.BoolVar(&o.delete, "delete", false, "delete misplaced keys; asks first")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask, with --delete")
	f.StringVar(&o.against, "against", "", "another configuration `file`: say what changing to it would move")
	f.StringVar(&o.svg, "svg", "", "draw the shares before and after to this `file`, with --against; - is standard output, in place of the table")
	f.IntVar(&o.library.KeysPerSecond, "keys-per-second", 0, "look at, delete or move no more than `N`, of all servers together; 0: no limit")
	f.BoolVar(&o.library.FromReplicas, "from-replicas", false, "scan replicas, where there are any")
	f.IntVar(&o.library.Samples, "samples", 10_000, "keys of each server that --against looks at")
	f.DurationVar(&o.library.FindTimeout, "timeout", 0, "for finding the primaries (default 5s)")
	_ = cmd.MarkFlagFilename("against", "yml", "yaml")
	return cmd
}

// check refuses flags that do not go together.
func (o *auditOptions) check() error {
	act := o.delete || o.repair
	for _, c := range []struct {
		wrong bool
		msg   string
	}{
		{o.delete && o.repair, "--delete and --repair: want one of them"},
		{o.against != "" && (act || o.list), "--against changes and lists nothing: want it without --delete, --repair and --list"},
		{o.svg != "" && o.against == "", "--svg draws a change: want --against with it"},
		{o.yes && !o.delete, "--yes is an answer to --delete, which is not given"},
		{o.json && o.list, "--json and --list: want one of them"},
		{o.library.KeysPerSecond < 0, fmt.Sprintf("--keys-per-second %d: want more than 0, or 0 for no limit", o.library.KeysPerSecond)},
		{o.library.KeysPerSecond > audit.MaxKeysPerSecond, fmt.Sprintf("--keys-per-second %d: want at most %d, or 0 for no limit", o.library.KeysPerSecond, audit.MaxKeysPerSecond)},
		{o.library.Samples < 1, fmt.Sprintf("--samples %d: want at least 1", o.library.Samples)},
		{o.library.Samples > audit.MaxSamples, fmt.Sprintf("--samples %d: want at most %d", o.library.Samples, audit.MaxSamples)},
		{o.library.FindTimeout < 0, fmt.Sprintf("--timeout %v: want more than 0s, or 0s for the default", o.library.FindTimeout)},
	} {
		if c.wrong {
			return usagef("%s", c.msg)
		}
	}
	return nil
}

func (o *auditOptions) run(cmd *cobra.Command) error {
	if err := o.check(); err != nil {
		return err
	}
	pool, _, err := o.pool()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal does not wait
	stderr := cmd.ErrOrStderr()
	shown := progress.New(stderr, terminalWriter(stderr))
	defer shown.End()
	o.library.Progress = func(p audit.Progress) { shown.Show(p.Phase.String()+" keys", p.Done, p.Total) }
	a, err := audit.Open(ctx, pool, o.library)
	switch {
	case err != nil:
	case o.against != "":
		err = o.compare(ctx, cmd.OutOrStdout(), a, pool, shown)
	default:
		err = o.find(ctx, cmd, a, pool, shown)
	}
	if errors.Is(err, context.Canceled) {
		return errors.New("interrupted: what is printed above is done, and to be begun again is safe")
	}
	return err
}

func terminalWriter(w io.Writer) bool {
	r, ok := w.(io.Reader) // an *os.File is both
	return ok && terminal(r)
}

// find prints what is misplaced, and does something about it if asked to.
func (o *auditOptions) find(ctx context.Context, cmd *cobra.Command, a *audit.Auditor, pool *config.Pool, shown *progress.Progress) error {
	out := cmd.OutOrStdout()
	act := o.delete || o.repair
	kept := keptKeys{most: o.keep}
	list := newKeyList(out)
	report, err := a.Find(ctx, func(k audit.Key) {
		if act {
			kept.add(k)
		} else if o.list {
			list.add(k, nil)
		}
	})
	shown.End()
	if err != nil {
		return err
	}
	if err := list.Flush(); err != nil {
		return err
	}
	v := newAuditView(pool, report)
	if act && report.Misplaced > 0 {
		if !o.json && !o.list {
			if err := v.print(out); err != nil {
				return err
			}
			fmt.Fprintln(out)
		}
		return o.act(ctx, cmd, a, report, kept, v, list, shown)
	}
	switch {
	case o.json:
		err = printJSON(out, v)
	case !o.list:
		err = v.print(out)
	}
	if err == nil && report.Misplaced > 0 {
		err = fmt.Errorf("%s misplaced: --repair moves them home, --delete deletes them", grouped(report.Misplaced)+plural(report.Misplaced, " key is", " keys are"))
	}
	return err
}

// keptKeys is what was found, while it is not too much: then it has no key.
type keptKeys struct {
	keys        []audit.Key
	bytes, most int
	tooMany     bool
}

// keyBytes is what a key takes beside its name, in a slice that has grown.
const keyBytes = 128

func (k *keptKeys) add(key audit.Key) {
	if k.bytes += keyBytes + len(key.Name); k.bytes > k.most {
		k.keys, k.tooMany = nil, true
	}
	if !k.tooMany {
		k.keys = append(k.keys, key)
	}
}

// do deletes or repairs what was kept or, where it was too much, what is found
// meanwhile.
func (o *auditOptions) do(ctx context.Context, a *audit.Auditor, r *audit.Report, kept keptKeys, each func(audit.Outcome)) (audit.Totals, error) {
	switch {
	case o.delete && kept.tooMany:
		return a.DeleteAll(ctx, r, each)
	case o.delete:
		return a.Delete(ctx, kept.keys, each)
	case kept.tooMany:
		return a.RepairAll(ctx, r, each)
	}
	return a.Repair(ctx, kept.keys, each)
}

// act deletes or repairs.
func (o *auditOptions) act(ctx context.Context, cmd *cobra.Command, a *audit.Auditor, r *audit.Report, kept keptKeys, v *auditView, list *keyList, shown *progress.Progress) error {
	out := cmd.OutOrStdout()
	if o.delete && !o.yes {
		if err := confirm(ctx, cmd, fmt.Sprintf("Delete %s from the servers where they were found?", grouped(r.Misplaced)+plural(r.Misplaced, " key", " keys"))); err != nil {
			return err
		}
	}
	totals, err := o.do(ctx, a, r, kept, func(outcome audit.Outcome) {
		if o.list {
			list.add(outcome.Key, &outcome)
		} else if outcome.Result.Left() {
			v.leave(outcome)
		}
	})
	shown.End()
	if flushed := list.Flush(); flushed != nil {
		return flushed
	}
	v.did(totals)
	switch {
	case o.json:
		if printed := printJSON(out, v); printed != nil {
			return printed
		}
	case !o.list:
		if printed := v.printDone(out); printed != nil {
			return printed
		}
	}
	if err == nil && totals.Left() > 0 {
		err = fmt.Errorf("%s", grouped(totals.Left())+plural(totals.Left(), " key was left where it was", " keys were left where they were"))
	}
	return err
}

// confirm asks on standard error and reads a line of standard input.
func confirm(ctx context.Context, cmd *cobra.Command, question string) error {
	fmt.Fprintf(cmd.ErrOrStderr(), "%s Type yes: ", question)
	type answer struct {
		line string
		err  error
	}
	answered := make(chan answer, 1)
	go func() { // it ends with the process where nobody answers
		line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
		answered <- answer{line, err}
	}()
	var a answer
	select {
	case a = <-answered:
	case <-ctx.Done():
		fmt.Fprintln(cmd.ErrOrStderr())
		return errors.New("interrupted: nothing was deleted")
	}
	if strings.TrimSpace(a.line) == "yes" {
		return nil
	}
	if a.err != nil && a.line == "" {
		fmt.Fprintln(cmd.ErrOrStderr())
		return fmt.Errorf("nobody answered: nothing was deleted; --yes does not ask")
	}
	return fmt.Errorf("the answer was %q and not yes: nothing was deleted", strings.TrimSpace(a.line))
}
