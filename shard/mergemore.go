package shard

import (
	"slices"

	"github.com/gomodule/redigo/redis"
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

// anyOK: the first reply that is no error; if all are, the first that says more
// than that nothing runs there.
func anyOK(parts []part) (any, error) {
	best := 0
	for i := range parts {
		if parts[i].Err == nil {
			return parts[i].Reply, nil
		}
		if e, ok := parts[i].Err.(redis.Error); !ok || len(e) < 7 || e[:7] != "NOTBUSY" {
			best = i
		}
	}
	return parts[best].Reply, parts[best].Err
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

// mergeSlowlog: logs, the newest entry first; one log of as many entries as the
// longest has.
func mergeSlowlog(v *view, parts []part) (any, error) {
	all, most := []any{}, 0
	for i := range parts {
		entries, ok := parts[i].Reply.([]any)
		if !ok {
			return nil, unexpected(v, &parts[i])
		}
		most = max(most, len(entries))
		all = append(all, entries...)
	}
	slices.SortStableFunc(all, func(a, b any) int { return int(loggedAt(b) - loggedAt(a)) })
	return all[:most], nil
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
