package main

import (
	"maps"
	"slices"
	"time"

	"github.com/shardring/shardring/bench/chaos/internal/load"
)

var ways = []load.Way{load.ByProxy, load.ByLibrary}

// judge fills the row with what was seen, and with what should not have been.
func judge(r *run, s scenario, result *load.Result) {
	row, v := r.row, r.load.Verdict()
	row.verdict = v
	if v.Wrong > 0 {
		row.fail("%d wrong answers, or acknowledged writes lost", v.Wrong)
	}
	if v.Acked < 100 || v.Reads < 100 {
		row.fail("only %d acknowledged writes and %d answers to reads: no load", v.Acked, v.Reads)
	}
	for _, p := range []load.Phase{load.Before, load.After} {
		if n := total(result.Errors(p, load.Every)); n > 0 {
			row.fail("%d errors %s the fault: %v", n, map[load.Phase]string{load.Before: "before", load.After: "after"}[p], most(result.Errors(p, load.Every)))
		}
	}
	row.kinds = byWay(result, load.During)
	row.errors = total(row.kinds)
	if s.noErrors && row.errors > 0 {
		row.fail("%d errors seen by clients, want none", row.errors)
	}
	until := row.ended
	if until.IsZero() {
		until = time.Now()
	}
	for i, way := range ways {
		here := load.By(way, load.On(victim))
		row.pause[i] = result.Pause(r.began, until, here)
		if r.back.IsZero() {
			continue
		}
		var never bool
		row.recovery[i], never = result.Recovery(r.back, here)
		if never {
			row.fail("through the %s a client was not served again until the end of the fault's time", way)
		}
		if s.switches && row.recovery[i] > recoveryLimit*time.Duration(r.env.patience) {
			row.fail("through the %s it took %v after the switch, want less than %v", way, row.recovery[i].Round(time.Millisecond), recoveryLimit)
		}
	}
	if s.shared {
		return
	}
	if n := total(result.Errors(load.During, load.Beside(victim))); n > 0 {
		row.fail("%d errors from other shards: %v", n, most(result.Errors(load.During, load.Beside(victim))))
	}
	machine := [2]time.Duration{p99(result, load.Before, load.By(load.Direct, load.Every)), p99(result, load.During, load.By(load.Direct, load.Every))}
	row.say("p99 of a redis-server that is no shard: %s before, %s during", ms(machine[0]), ms(machine[1]))
	steady := machine[1] <= min(max(slowdownLimit*machine[0], slowdownFloor/2), slowdownFloor)
	if !steady {
		row.say("the machine itself was slow, so other shards' latencies tell nothing")
	}
	for i, way := range ways {
		row.before[i] = p99(result, load.Before, load.By(way, load.Beside(victim)))
		row.during[i] = p99(result, load.During, load.By(way, load.Beside(victim)))
		if steady && row.during[i] > max(slowdownLimit*row.before[i], slowdownFloor*time.Duration(r.env.patience)) {
			row.fail("other shards' p99 through the %s went from %s to %s", way, ms(row.before[i]), ms(row.during[i]))
		}
	}
}

// byWay are the errors of a phase by kind, with the way on which they came.
func byWay(r *load.Result, p load.Phase) map[string]int {
	kinds := map[string]int{}
	for _, way := range ways {
		for kind, n := range r.Errors(p, load.By(way, load.Every)) {
			kinds[string(way)+": "+kind] = n
		}
	}
	return kinds
}

func p99(r *load.Result, p load.Phase, f load.Filter) time.Duration {
	return time.Duration(r.Latency(p, f).ValueAtQuantile(99)) * time.Microsecond
}

func total(kinds map[string]int) int {
	sum := 0
	for _, n := range kinds {
		sum += n
	}
	return sum
}

// most are the kinds, the most frequent first.
func most(kinds map[string]int) []string {
	return slices.SortedFunc(maps.Keys(kinds), func(a, b string) int { return kinds[b] - kinds[a] })
}
