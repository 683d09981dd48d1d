package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/shardring/shardring/bench/internal/stats"
	"github.com/shardring/shardring/ring"
)

// keyCount different keys go round: enough that branches are not learned by
// heart, few enough to stay in the cache.
const keyCount = 4096

func ringCommand(ctx context.Context, args []string, stderr io.Writer) (table, error) {
	flags := flag.NewFlagSet("ring", flag.ContinueOnError)
	flags.SetOutput(stderr)
	seconds := flags.Float64("seconds", 0.05, "about how long each run takes")
	rounds := flags.Int("rounds", 7, "how often each contender runs")
	if err := flags.Parse(args); err != nil {
		return table{}, err
	}
	t := table{}
	s := section{
		heading: "Lookups",
		text: fmt.Sprintf("Nanoseconds a lookup with the hash, the median (least–greatest) of %d rounds in turns, and how many times longer than "+
			"%s it took in the same round. Building is of one ring.", *rounds, ours),
		header: []string{"shards", "key", "", "points a shard", "ns", "times ours", "allocations", "building ms"},
	}
	for _, shards := range []int{4, 100, 1000} {
		fmt.Fprintf(stderr, "%d shards\n", shards)
		built, err := buildAll(shards)
		if err != nil {
			return t, err
		}
		for _, length := range []int{16, 40} {
			rows, err := built.measure(ctx, testKeys(keyCount, length), *rounds, time.Duration(*seconds*float64(time.Second)))
			if err != nil {
				return t, err
			}
			s.rows = append(s.rows, rows...)
		}
	}
	t.sections = append(t.sections, s)
	even, err := evenness()
	t.sections = append(t.sections, even)
	return t, err
}

// builtRings are all contenders over the same shards.
type builtRings struct {
	shards     int
	contenders []ringContender
	look       []lookups       // by contender, as the following field
	building   []time.Duration // what it took
}

func buildAll(shards int) (builtRings, error) {
	b := builtRings{shards: shards, contenders: ringContenders()}
	for _, c := range b.contenders {
		begin := time.Now()
		look, err := c.build(shardNames(shards))
		if err != nil {
			return b, fmt.Errorf("build %s of %d shards: %w", c.name, shards, err)
		}
		b.building = append(b.building, time.Since(begin))
		b.look = append(b.look, look)
	}
	return b, nil
}

// measure lets all contenders look up these keys, in turns, and returns a row
// for each.
func (b builtRings) measure(ctx context.Context, keys []string, rounds int, wanted time.Duration) ([][]string, error) {
	sum := 0
	repeats := make([]int, len(b.look))
	for i, look := range b.look {
		begin := time.Now()
		sum += look(keys)
		repeats[i] = 1 + int(wanted/max(time.Since(begin), 1))
	}
	ns := make([][]float64, len(b.look))
	err := schedule(ctx, rounds, len(b.look), func(i int) error {
		begin := time.Now()
		for range repeats[i] {
			sum += b.look[i](keys)
		}
		ns[i] = append(ns[i], float64(time.Since(begin).Nanoseconds())/float64(repeats[i]*len(keys)))
		return nil
	})
	runtime.KeepAlive(sum)
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for i, c := range b.contenders {
		own := stats.Of(ns[i])
		rows = append(rows, []string{
			thousands(b.shards), fmt.Sprintf("%d B", len(keys[0])), c.name, c.points,
			fmt.Sprintf("%.1f (%.1f–%.1f)", own.Median, own.Min, own.Max),
			ratio(ns[i], ns[0]).String(),
			fmt.Sprintf("%d", allocations(b.look[i], keys)),
			fmt.Sprintf("%.2f", float64(b.building[i].Microseconds())/1e3),
		})
	}
	return rows, nil
}

// allocations are those of one lookup.
func allocations(look lookups, keys []string) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	sum := look(keys)
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(sum)
	// Whole ones: a few come from elsewhere in the process.
	return (after.Mallocs - before.Mallocs) / uint64(len(keys))
}

// evenness is how much more than the mean the fullest shard gets.
func evenness() (section, error) {
	s := section{
		heading: "Evenness",
		text:    "The largest share of the hash space over the mean, shards of weight 1 named shard-0000 and on.",
		header:  []string{"placement", "4 shards", "100", "1,000"},
	}
	for _, c := range []ring.Config{
		{Placement: ring.Murmur3}, {Placement: ring.Jedis}, {Placement: ring.Ketama, Hash: "fnv1a_64"},
		{Placement: ring.Modula, Hash: "fnv1a_64"}, {Placement: ring.Slots},
	} {
		row := []string{string(c.Placement)}
		for _, shards := range []int{4, 100, 1000} {
			c.Shards = nil
			for _, name := range shardNames(shards) {
				c.Shards = append(c.Shards, ring.Shard{Name: name, Weight: 1})
			}
			r, err := ring.New(c)
			if err != nil {
				return s, fmt.Errorf("%s of %d shards: %w", c.Placement, shards, err)
			}
			most := 0.0
			for _, share := range r.Shares() {
				most = max(most, share)
			}
			row = append(row, fmt.Sprintf("%.3f", most*float64(shards)))
		}
		s.rows = append(s.rows, row)
	}
	return s, nil
}
