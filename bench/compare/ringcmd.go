package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"time"

	"github.com/shardring/shardring/bench/internal/stats"
	"github.com/shardring/shardring/ring"
)

// keyCount different keys go round: enough that branches are not learned by
// heart, few enough to stay in the cache.
const keyCount = 4096

func ringCommand(flags *flag.FlagSet) measurement {
	seconds := flags.Float64("seconds", 0.05, "about how long each run takes")
	rounds := flags.Int("rounds", 7, "how often each contender runs")
	return func(ctx context.Context, stderr io.Writer) (table, error) {
		if *rounds < 1 {
			return table{}, fmt.Errorf("--rounds %d: want 1 or more", *rounds)
		}
		return compareRings(ctx, *rounds, time.Duration(*seconds*float64(time.Second)), stderr)
	}
}

// ringSizes are the numbers of shards.
func ringSizes() []int { return []int{4, 100, 1000} }

func compareRings(ctx context.Context, rounds int, wanted time.Duration, stderr io.Writer) (table, error) {
	look := section{
		heading: "Lookups",
		text: fmt.Sprintf("Nanoseconds a lookup with the hash, the median (least–greatest) of %d rounds in turns, and how many times longer than "+
			"%s it took in the same round.", rounds, ourRing),
		header: []string{"shards", "key", "", "points a shard", "ns", "times ours", "allocations", "wanted", "verdict"},
	}
	building := section{
		heading: "Building",
		text:    "Milliseconds to build a ring, the median (least–greatest) of up to 5 times.",
		header:  []string{""},
	}
	for _, c := range ringContenders() {
		building.rows = append(building.rows, []string{c.name})
	}
	for _, shards := range ringSizes() {
		fmt.Fprintf(stderr, "%d shards\n", shards)
		built, err := buildAll(ctx, shards)
		if err != nil {
			return table{}, err
		}
		for _, length := range []int{16, 40} {
			if err := built.measure(ctx, testKeys(keyCount, length), rounds, wanted, &look); err != nil {
				return table{}, err
			}
		}
		building.header = append(building.header, thousands(shards)+" shards")
		for i, c := range built.contenders {
			js := judge(buildingTable, thousands(shards)+" shards", c.name, i == 0, shards, func(string) stats.Spread { return built.building[i] })
			building.rows[i] = append(building.rows[i], built.building[i].String())
			if shards == slices.Max(ringSizes()) {
				building.rows[i] = append(building.rows[i], verdictCells(js)...)
			}
			building.judged = append(building.judged, js...)
		}
	}
	building.header = append(building.header, "wanted", "verdict")
	even, err := evenness()
	return table{[]section{look, building, even}}, err
}

// builtRings are all contenders over the same shards.
type builtRings struct {
	shards     int
	contenders []ringContender
	look       []lookups      // by contender, as the following field
	building   []stats.Spread // what it took, in ms
}

func buildAll(ctx context.Context, shards int) (builtRings, error) {
	b := builtRings{shards: shards, contenders: ringContenders()}
	for _, c := range b.contenders {
		if err := ctx.Err(); err != nil {
			return b, err
		}
		runtime.GC() // nobody pays for another's garbage
		var look lookups
		var ms []float64
		// A slow one is built once.
		for start := time.Now(); len(ms) == 0 || len(ms) < 5 && time.Since(start) < time.Second/2; {
			begin := time.Now()
			var err error
			if look, err = c.build(shardNames(shards)); err != nil {
				return b, fmt.Errorf("build %s of %d shards: %w", c.name, shards, err)
			}
			ms = append(ms, float64(time.Since(begin).Microseconds())/1e3)
		}
		b.building = append(b.building, stats.Of(ms))
		b.look = append(b.look, look)
	}
	return b, nil
}

// measure lets all contenders look up these keys, in turns, and adds a row
// for each.
func (b builtRings) measure(ctx context.Context, keys []string, rounds int, wanted time.Duration, s *section) error {
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
		return err
	}
	for i, c := range b.contenders {
		own, times, allocs := stats.Of(ns[i]), ratio(ns[i], ns[0]), allocations(b.look[i], keys)
		spreads := map[string]stats.Spread{"times": times, "allocations": stats.Of([]float64{allocs})}
		name := fmt.Sprintf("%s shards, %d B", thousands(b.shards), len(keys[0]))
		js := judge(lookupTable, name, c.name, i == 0, b.shards, func(figure string) stats.Spread { return spreads[figure] })
		s.judged = append(s.judged, js...)
		s.rows = append(s.rows, append([]string{
			thousands(b.shards), fmt.Sprintf("%d B", len(keys[0])), c.name, c.points,
			fmt.Sprintf("%.1f (%.1f–%.1f)", own.Median, own.Min, own.Max),
			times.String(), fmt.Sprintf("%g", allocs),
		}, verdictCells(js)...))
	}
	return nil
}

// allocations are those of one lookup, to a hundredth: a few come from
// elsewhere in the process.
func allocations(look lookups, keys []string) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	sum := look(keys)
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(sum)
	return math.Round(float64(after.Mallocs-before.Mallocs)/float64(len(keys))*100) / 100
}

// evenness is how much more than the mean the fullest shard gets.
func evenness() (section, error) {
	s := section{
		heading: "Evenness",
		text:    "The largest share of the hash space over the mean, shards of weight 1 named shard-0000 and on.",
		header:  []string{"placement"},
	}
	for _, shards := range ringSizes() {
		s.header = append(s.header, thousands(shards)+" shards")
	}
	for _, c := range []ring.Config{
		{Placement: ring.Murmur3}, {Placement: ring.Jedis}, {Placement: ring.Ketama, Hash: "fnv1a_64"},
		{Placement: ring.Modula, Hash: "fnv1a_64"}, {Placement: ring.Slots},
	} {
		row := []string{string(c.Placement)}
		for _, shards := range ringSizes() {
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
