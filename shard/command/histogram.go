package command

import (
	"maps"
	"slices"
)

// Latencies is what LATENCY HISTOGRAM says of one command.
type Latencies struct {
	Command string
	Calls   int64
	Within  map[int64]int64 // by a time in µs: how many calls took up to that; cumulative
}

// Bounds returns the times that Within counts, the shortest first.
func (l *Latencies) Bounds() []int64 { return slices.Sorted(maps.Keys(l.Within)) }

// MergeLatencies is the merge Histogram. all is what the shards said, one shard's
// after another's; the result has each command once, where it first stood, with the
// calls of all shards. A command that every shard is sent was called once for all of
// them: what the shard says that counts most. It does not change what it was given.
func (t *Table) MergeLatencies(all []Latencies) []Latencies {
	var merged []Latencies
	at := map[string]int{}
	for _, l := range all {
		i, ok := at[l.Command]
		if !ok {
			at[l.Command] = len(merged)
			merged = append(merged, l)
			continue
		}
		switch cmd := t.Named(l.Command); {
		case cmd == nil || !cmd.Everywhere():
			merged[i] = merged[i].plus(l)
		case l.Calls > merged[i].Calls:
			merged[i] = l
		}
	}
	return merged
}

// Everywhere reports whether a request of the command is sent to every shard.
func (c *Command) Everywhere() bool { return c.Route == All && c.Merge != Scan }

// plus joins two shards'. A count that one of them does not have is its next
// smaller one.
func (l Latencies) plus(o Latencies) Latencies {
	sum := Latencies{l.Command, l.Calls + o.Calls, map[int64]int64{}}
	maps.Copy(sum.Within, l.Within)
	maps.Copy(sum.Within, o.Within)
	var mine, theirs int64
	for _, b := range slices.Sorted(maps.Keys(sum.Within)) {
		if n, ok := l.Within[b]; ok {
			mine = n
		}
		if n, ok := o.Within[b]; ok {
			theirs = n
		}
		sum.Within[b] = mine + theirs
	}
	return sum
}
