package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/shardring/shardring/bench/internal/stats"
	"github.com/shardring/shardring/shard/shardtest"
)

const libraryShards = 4

// libraryOptions are the command line of the library comparison.
type libraryOptions struct {
	workloads  []workload
	contenders []libraryContender
	rounds     int
	wanted     time.Duration
}

func parseLibrary(args []string, stderr io.Writer) (libraryOptions, error) {
	o := libraryOptions{}
	flags := flag.NewFlagSet("library", flag.ContinueOnError)
	flags.SetOutput(stderr)
	seconds := flags.Float64("seconds", 1, "about how long each run takes")
	flags.IntVar(&o.rounds, "rounds", 5, "how often each library runs each workload")
	goroutines := flags.String("goroutines", "1,16,64,256", "how many share a client")
	sizes := flags.String("sizes", "64", "of values, in bytes, as 64,1024")
	sets := flags.String("sets", "0", "SETs among 100 operations, as 0,10")
	only := flags.String("only", "", "only the libraries whose name matches this regular `expression`, and ours")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.wanted = time.Duration(*seconds * float64(time.Second))
	expression, err := regexp.Compile(*only)
	if err != nil {
		return o, fmt.Errorf("--only: %w", err)
	}
	for i, c := range libraryContenders() {
		if i == 0 || expression.MatchString(c.name) {
			o.contenders = append(o.contenders, c)
		}
	}
	lists := make([][]int, 3)
	for i, f := range []struct{ name, text string }{{"goroutines", *goroutines}, {"sizes", *sizes}, {"sets", *sets}} {
		for part := range strings.SplitSeq(f.text, ",") {
			n, err := strconv.Atoi(part)
			if err != nil || n < 0 || (n == 0 && f.name != "sets") {
				return o, fmt.Errorf("--%s %q: want numbers separated by commas", f.name, f.text)
			}
			lists[i] = append(lists[i], n)
		}
	}
	for _, size := range lists[1] {
		for _, sets := range lists[2] {
			for _, goroutines := range lists[0] {
				o.workloads = append(o.workloads, workload{goroutines, sets, size})
			}
		}
	}
	return o, nil
}

func libraryCommand(ctx context.Context, args []string, stderr io.Writer) (table, error) {
	o, err := parseLibrary(args, stderr)
	if err != nil {
		return table{}, err
	}
	var addrs []string
	for range libraryShards {
		s, err := shardtest.Start(ctx, shardtest.RedisSpec())
		if err != nil {
			return table{}, err
		}
		defer s.Close()
		addrs = append(addrs, s.Addr)
	}
	goredis.SetLogger(quiet{})
	s := section{
		heading: "Libraries",
		text: fmt.Sprintf("%d redis-servers, medians of %d runs of %v in turns. CPU and allocations are of the client's process, an operation. "+
			"The last two columns are shardring's figure over the library's in the same round, the median (least–greatest).%s",
			libraryShards, o.rounds, o.wanted, notes(o.contenders)),
		header: []string{"workload", "goroutines", "library", "operations/s", "p50 µs", "p99 µs", "CPU µs", "allocations", "our rate to it", "our CPU to it"},
	}
	for _, w := range o.workloads {
		rows, err := o.measure(ctx, w, addrs, stderr)
		if err != nil {
			return table{}, err
		}
		s.rows = append(s.rows, rows...)
	}
	return table{[]section{s}}, nil
}

// measure opens all libraries, for their connections and buffers are part of
// what they are, and lets them take turns.
func (o libraryOptions) measure(ctx context.Context, w workload, addrs []string, stderr io.Writer) ([][]string, error) {
	keys := testKeys(libraryKeys, 16)
	clients := make([]client, len(o.contenders))
	for i, contender := range o.contenders {
		c, err := contender.open(addrs)
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", contender.name, err)
		}
		defer c.Close()
		if err := w.fill(ctx, c, keys); err != nil {
			return nil, fmt.Errorf("%s: %w", contender.name, err)
		}
		if _, err := w.run(ctx, c, keys, o.wanted/5); err != nil { // makes its connections
			return nil, fmt.Errorf("%s: %w", contender.name, err)
		}
		clients[i] = c
	}
	fmt.Fprintf(stderr, "%v, %d goroutines\n", w, w.goroutines)
	found := make([][]figures, len(clients))
	err := schedule(ctx, o.rounds, len(clients), func(i int) error {
		f, err := w.run(ctx, clients[i], keys, o.wanted)
		if err != nil {
			return fmt.Errorf("%s: %w", o.contenders[i].name, err)
		}
		found[i] = append(found[i], f)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for i, c := range o.contenders {
		median := func(of func(figures) float64) float64 { return stats.Of(column(found[i], of)).Median }
		rows = append(rows, []string{
			w.String(), strconv.Itoa(w.goroutines), c.name,
			thousands(int(median(rateOf))),
			fmt.Sprintf("%.0f", median(func(f figures) float64 { return f.p50 })),
			fmt.Sprintf("%.0f", median(func(f figures) float64 { return f.p99 })),
			fmt.Sprintf("%.2f", median(cpuOf)),
			fmt.Sprintf("%.1f", median(func(f figures) float64 { return f.allocs })),
			ratio(column(found[0], rateOf), column(found[i], rateOf)).String(),
			ratio(column(found[0], cpuOf), column(found[i], cpuOf)).String(),
		})
	}
	return rows, nil
}

func rateOf(f figures) float64 { return f.rate }
func cpuOf(f figures) float64  { return f.cpu }

func column(runs []figures, of func(figures) float64) []float64 {
	values := make([]float64, len(runs))
	for i, f := range runs {
		values[i] = of(f)
	}
	return values
}

func notes(contenders []libraryContender) string {
	text := ""
	for _, c := range contenders {
		text += fmt.Sprintf("\n- %s: %s", c.name, c.note)
	}
	return "\n" + text
}
