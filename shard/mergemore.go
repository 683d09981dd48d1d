package shard

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/command"
)

// mergeBound: integers; the smallest or the largest.
func mergeBound(v *view, largest bool, parts []part) (any, error) {
	var all []int64
	for i := range parts {
		n, ok := parts[i].Reply.(int64)
		if !ok {
			return nil, unexpected(v, &parts[i])
		}
		all = append(all, n)
	}
	if largest {
		return slices.Max(all), nil
	}
	return slices.Min(all), nil
}

// nothingRuns begins what SCRIPT KILL and FUNCTION KILL say where nothing runs.
const nothingRuns = "NOTBUSY "

// anyOK: the first reply that is no error; if all are, the first that says more
// than that nothing runs there, with the shard's name.
func anyOK(v *view, parts []part) (any, error) {
	var said error
	for i := range parts {
		err := parts[i].Err
		e, replied := err.(redis.Error)
		switch {
		case err == nil:
			return parts[i].Reply, nil
		case said != nil || replied && strings.HasPrefix(string(e), nothingRuns):
		case replied:
			said = named(e, v.Shards[parts[i].shard].Name)
		default:
			said = err
		}
	}
	if said == nil {
		said = parts[0].Err // so say all
	}
	return answer(said)
}

// mergeSumPairs: arrays of a name and an integer in turn, the same names in each;
// the sums.
func mergeSumPairs(v *view, parts []part) (any, error) {
	var sums []any
	for i := range parts {
		pairs, ok := parts[i].Reply.([]any)
		if !ok || i > 0 && len(pairs) != len(sums) {
			return nil, unexpected(v, &parts[i])
		}
		if i == 0 {
			sums = slices.Clone(pairs)
			continue
		}
		for j := 1; j < len(pairs); j += 2 {
			a, ok1 := sums[j].(int64)
			b, ok2 := pairs[j].(int64)
			if !ok1 || !ok2 {
				return nil, unexpected(v, &parts[i])
			}
			sums[j] = a + b
		}
	}
	return sums, nil
}

// mergeSlowlog: logs, the newest entry first; one log of as many entries as were
// asked for.
func mergeSlowlog(v *view, parts []part, most int) (any, error) {
	all := []any{}
	for i := range parts {
		entries, ok := parts[i].Reply.([]any)
		if !ok {
			return nil, unexpected(v, &parts[i])
		}
		all = append(all, entries...)
	}
	slices.SortStableFunc(all, func(a, b any) int { return cmp.Compare(loggedAt(b), loggedAt(a)) })
	return all[:min(len(all), most)], nil
}

// slowlogCount returns how many entries a SLOWLOG GET asks for: as with one server
// 10 if it does not say, and all for -1.
func slowlogCount(r *request) int {
	if r.Len() < 3 {
		return 10
	}
	n, ok := command.ParseInt(r.At(2))
	if !ok || n < 0 || n > math.MaxInt {
		return math.MaxInt
	}
	return int(n)
}

// loggedAt returns the time of an entry of a slow log.
func loggedAt(entry any) int64 {
	fields, _ := entry.([]any)
	if len(fields) < 2 {
		return 0
	}
	at, _ := fields[1].(int64)
	return at
}

// running: FUNCTION STATS, whose second element is what runs; that of a shard where
// something does, else the first.
func running(parts []part) any {
	for i := range parts {
		if fields, ok := parts[i].Reply.([]any); ok && len(fields) > 1 && fields[1] != nil {
			return fields
		}
	}
	return parts[0].Reply
}
