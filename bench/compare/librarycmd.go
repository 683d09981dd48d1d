package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/shardring/shardring/bench/internal/stats"
	"github.com/shardring/shardring/shard/shardtest"
)

const libraryShards = 4

func libraryCommand(flags *flag.FlagSet) measurement {
	var f libraryFlags
	f.register(flags)
	return func(ctx context.Context, stderr io.Writer) (table, error) {
		o, err := f.options()
		if err != nil {
			return table{}, err
		}
		return o.run(ctx, stderr)
	}
}

// run starts the servers and runs all workloads. What it has found comes back
// also beside an error.
func (o libraryOptions) run(ctx context.Context, stderr io.Writer) (table, error) {
	var f fleet
	for range libraryShards {
		s, err := shardtest.Start(ctx, shardtest.RedisSpec())
		if err != nil {
			return table{}, err
		}
		defer s.Close()
		f.addrs, f.pids = append(f.addrs, s.Addr), append(f.pids, s.Pid())
	}
	goredis.SetLogger(quiet{})
	s := section{
		heading: o.layout.heading,
		text: fmt.Sprintf("%d redis-servers, medians of %d runs of %v in turns. CPU and allocations are of the client's process, an operation; in brackets the CPU of the redis-servers together. "+
			"%sThe ratios are shardring's figure over the library's in the same round, the median (least–greatest).\n\n",
			libraryShards, o.rounds, o.wanted, o.layout.text),
		header: []string{"workload", o.layout.load, "library"},
	}
	for _, c := range o.layout.columns {
		s.header = append(s.header, c.header)
	}
	for _, c := range o.layout.ratios {
		s.header = append(s.header, "our "+c.name+" to it")
	}
	s.header = append(s.header, "wanted", "verdict")
	for _, c := range o.contenders {
		s.text += fmt.Sprintf("- %s: %s\n", c.name, c.note)
	}
	workloads, rates, err := o.rates(ctx, f, &s, stderr)
	s.text = strings.TrimSpace(s.text + rates)
	for _, w := range workloads {
		if err == nil {
			err = o.measure(ctx, w, f, &s, stderr)
		}
	}
	return table{[]section{s}}, err
}

// fleet is the servers.
type fleet struct {
	addrs []string
	pids  []int
}

// contest are all contenders' clients over the same servers and keys, by
// contender. They are open at the same time, for their connections and
// buffers are part of what they are.
type contest struct {
	clients []client
	keys    []string
	servers []int // their processes
}

// prepare opens the clients anew, with every key written and every connection
// made that the workload needs.
func (o libraryOptions) prepare(ctx context.Context, w workload, f fleet) (*contest, error) {
	t := &contest{keys: testKeys(libraryKeys, 16), servers: f.pids}
	for _, contender := range o.contenders {
		if err := fillWith(ctx, contender, w, f.addrs, t.keys); err != nil {
			t.close()
			return nil, fmt.Errorf("%s: %w", contender.name, err)
		}
		c, err := contender.open(f.addrs)
		if err != nil {
			t.close()
			return nil, fmt.Errorf("open %s: %w", contender.name, err)
		}
		t.clients = append(t.clients, c)
	}
	for i, c := range t.clients {
		if _, err := w.run(ctx, c, t.keys, t.servers, o.wanted/5); err != nil {
			t.close()
			return nil, fmt.Errorf("%s: %w", o.contenders[i].name, err)
		}
	}
	return t, nil
}

func (t *contest) close() {
	for _, c := range t.clients {
		_ = c.Close()
	}
}

// try runs a workload, once more if an operation failed. The section tells of
// the failure, for no library should have any.
func (o libraryOptions) try(ctx context.Context, w workload, t *contest, i int, wanted time.Duration, s *section) (figures, error) {
	f, err := w.run(ctx, t.clients[i], t.keys, t.servers, wanted)
	if err != nil && ctx.Err() == nil {
		first, _, _ := strings.Cut(err.Error(), "\n") // of many goroutines
		s.failures = append(s.failures, fmt.Sprintf("%s, %v, %s %s: %s", o.contenders[i].name, w, o.layout.load, w.load(), first))
		f, err = w.run(ctx, t.clients[i], t.keys, t.servers, wanted)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", o.contenders[i].name, err)
	}
	return f, err
}

// fillWith writes the keys through a client of its own, so that its
// connections are not there when the runs begin.
func fillWith(ctx context.Context, contender libraryContender, w workload, addrs, keys []string) error {
	c, err := contender.open(addrs)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer c.Close()
	return w.fill(ctx, c, keys)
}

// share is which part of the maximum the rate of an open loop is.
const share = 10

// rates gives an open loop its rates: a share of what the slowest library
// does at most, at which nobody is short of anything; and of what ours does,
// unless others have to share the processor. The text says what was found.
func (o libraryOptions) rates(ctx context.Context, f fleet, s *section, stderr io.Writer) ([]workload, string, error) {
	if !o.open || o.workloads[0].rate > 0 {
		return o.workloads, "", nil
	}
	var loads []workload
	text := "\nAt most, each of so many goroutines doing one operation after another, they did:\n"
	for _, w := range o.workloads {
		full := w
		full.busy = 0
		text += fmt.Sprintf("- %v, %d goroutines:", full, full.goroutines)
		fmt.Fprintf(stderr, "%v, the maximum at %d goroutines\n", full, full.goroutines)
		t, err := o.prepare(ctx, full, f)
		if err != nil {
			return nil, "", err
		}
		var most []float64
		for i := range t.clients {
			f, err := o.try(ctx, full, t, i, min(o.wanted, 500*time.Millisecond), s)
			if err != nil {
				t.close()
				return nil, "", err
			}
			most = append(most, f.rate)
			text += fmt.Sprintf(" %s %s/s,", o.contenders[i].name, thousands(int(f.rate)))
		}
		t.close()
		rates := []float64{slices.Min(most)}
		if w.busy == 0 && most[0] > rates[0] {
			rates = append(rates, most[0])
		}
		for _, r := range rates {
			w.rate = max(1, r/share)
			loads = append(loads, w)
		}
		text = strings.TrimSuffix(text, ",") + "\n"
	}
	return loads, text, nil
}

// measure lets all libraries take turns with a workload, and adds a row for
// each.
func (o libraryOptions) measure(ctx context.Context, w workload, f fleet, s *section, stderr io.Writer) error {
	fmt.Fprintf(stderr, "%v, %s %s\n", w, o.layout.load, w.load())
	t, err := o.prepare(ctx, w, f)
	if err != nil {
		return err
	}
	defer t.close()
	found := make([][]figures, len(t.clients))
	err = schedule(ctx, o.rounds, len(t.clients), func(i int) error {
		f, err := o.try(ctx, w, t, i, o.wanted, s)
		found[i] = append(found[i], f)
		return err
	})
	if err != nil {
		return err
	}
	for i, contender := range o.contenders {
		row := []string{w.String(), w.load(), contender.name}
		spreads := make(map[string]stats.Spread) // what targets are held against
		for _, c := range o.layout.columns {
			own := stats.Of(values(found[i], c.of))
			cell := number(own.Median, c.digits)
			if c.beside != nil {
				cell += " (" + number(stats.Of(values(found[i], c.beside)).Median, c.digits) + ")"
			}
			row = append(row, cell)
			spreads[c.name] = own
			if i > 0 {
				spreads[c.name] = ratio(values(found[0], c.of), values(found[i], c.of))
			}
		}
		for _, c := range o.layout.ratios {
			row = append(row, ratio(values(found[0], c.of), values(found[i], c.of)).String())
		}
		name := fmt.Sprintf("%v, %s %s", w, o.layout.load, w.load())
		js := judge(o.layout.table, name, contender.name, i == 0, w.goroutines, func(figure string) stats.Spread { return spreads[figure] })
		s.judged = append(s.judged, js...)
		s.rows = append(s.rows, append(row, verdictCells(js)...))
	}
	return nil
}

func values(runs []figures, of func(figures) float64) []float64 {
	values := make([]float64, len(runs))
	for i, f := range runs {
		values[i] = of(f)
	}
	return values
}

// number writes a figure with so many digits after the point, whole ones with
// commas.
func number(v float64, digits int) string {
	if math.IsNaN(v) {
		return "–"
	}
	if digits == 0 {
		return thousands(int(v + 0.5))
	}
	return fmt.Sprintf("%.*f", digits, v)
}
