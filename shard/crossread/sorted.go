package crossread

import (
	"bytes"
	"cmp"
	"math"
	"slices"
)

// source is one key of a ZUNION or ZINTER.
type source struct {
	members []member
	weight  float64
}

// sources returns the keys in the order in which Redis adds up their scores: by
// cardinality, and as they stand in the request where that is the same. The
// latter is what the stable qsort of glibc makes of zuiCompareByCardinality.
func (in *input) sources() ([]source, error) {
	replies := make([][]member, len(in.Requests))
	for i := range replies {
		var err error
		if replies[i], err = in.scored(i); err != nil {
			return nil, err
		}
	}
	all := make([]source, len(in.of))
	for k, i := range in.of {
		all[k] = source{replies[i], 1}
		if in.opts.weights != nil {
			all[k].weight = in.opts.weights[k]
		}
	}
	slices.SortStableFunc(all, func(a, b source) int { return cmp.Compare(len(a.members), len(b.members)) })
	return all, nil
}

// aggregateUnion is ZUNION. The score of a member in each source is weighted,
// NaN being 0, and only then added to what the sources before it made.
func aggregateUnion(in *input) (result, error) {
	all, err := in.sources()
	if err != nil {
		return result{}, err
	}
	at := make(map[string]int, len(all[len(all)-1].members))
	var out []member
	for _, s := range all {
		for _, m := range s.members {
			score := zeroNaN(m.score * s.weight)
			i, ok := at[text(m.name)]
			if !ok {
				at[text(m.name)] = len(out)
				out = append(out, member{m.name, score})
				continue
			}
			out[i].score = in.opts.how.of(out[i].score, score)
		}
	}
	return in.sorted(out), nil
}

// aggregateInter is ZINTER. Unlike ZUNION it leaves a weighted score NaN when it
// adds it to others, which makes a sum 0 and leaves a MIN or MAX as it is.
func aggregateInter(in *input) (result, error) {
	all, err := in.sources()
	if err != nil {
		return result{}, err
	}
	type tally struct {
		score float64
		seen  int // in how many sources, from the first on
	}
	base := all[0]
	found := make(map[string]*tally, len(base.members))
	tallies := make([]tally, len(base.members))
	for i, m := range base.members {
		tallies[i] = tally{zeroNaN(m.score * base.weight), 1}
		found[text(m.name)] = &tallies[i]
	}
	for i, s := range all[1:] {
		for _, m := range s.members {
			if t := found[text(m.name)]; t != nil && t.seen == i+1 {
				t.score = in.opts.how.of(t.score, m.score*s.weight)
				t.seen++
			}
		}
	}
	var out []member
	for i, m := range base.members {
		if tallies[i].seen == len(all) {
			out = append(out, member{m.name, tallies[i].score})
		}
	}
	return in.sorted(out), nil
}

// of is zunionInterAggregate. The conversion keeps a compiler from fusing the
// sum with the multiplication that made b.
func (h aggregation) of(a, b float64) float64 {
	switch h {
	case least:
		if b < a {
			return b
		}
		return a
	case greatest:
		if b > a {
			return b
		}
		return a
	}
	return zeroNaN(a + float64(b))
}

func zeroNaN(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// sorted puts members into the order of a sorted set.
func (in *input) sorted(members []member) result {
	slices.SortFunc(members, func(a, b member) int {
		if c := cmp.Compare(a.score, b.score); c != 0 {
			return c
		}
		return bytes.Compare(a.name, b.name)
	})
	if in.opts.scores {
		return result{kind: scored, members: members}
	}
	return result{kind: list, members: members}
}
