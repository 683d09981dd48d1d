package shard

import (
	"fmt"

	"github.com/shardring/shardring/shard/command"
)

// merge makes the reply of a span of its parts' replies, none of which is an
// error.
func merge(v *view, s *span, parts []part) (any, error) {
	switch s.merge {
	case command.GatherArray:
		return mergeByKey(v, parts, s.owners)
	case command.Sum:
		var sum int64
		for i := range parts {
			n, ok := parts[i].Reply.(int64)
			if !ok {
				return nil, unexpected(v, &parts[i])
			}
			sum += n
		}
		return sum, nil
	case command.AndArray:
		return mergeAnd(v, parts)
	case command.Concat:
		var all []any
		for i := range parts {
			values, ok := parts[i].Reply.([]any)
			if !ok {
				return nil, unexpected(v, &parts[i])
			}
			all = append(all, values...)
		}
		if all == nil {
			all = []any{}
		}
		return all, nil
	case command.InfoText:
		return mergeInfo(v, parts)
	case command.Min, command.Max:
		return mergeBound(v, s.merge == command.Max, parts)
	case command.SumPairs:
		return mergeSumPairs(v, parts)
	case command.Slowlog:
		return mergeSlowlog(v, parts, s.most)
	case command.Running:
		return running(parts), nil
	case command.Histogram:
		return mergeHistogram(v, parts)
	case command.ByShard:
		var all []any
		for i := range parts {
			all = append(all, []byte(v.Shards[parts[i].shard].Name), parts[i].Reply)
		}
		return all, nil
	}
	return parts[0].Reply, nil // AllOK and First: every shard said the same
}

func unexpected(v *view, p *part) error {
	s := &v.Shards[p.shard]
	return &ShardError{Shard: s.Name, Node: s.Primary.Addr, Err: fmt.Errorf("unexpected reply %T to %s", p.Reply, p.Cmd), SafeToRetry: p.readOnly}
}

// mergeByKey: an array with an element a key each; an element goes where its
// key stood.
func mergeByKey(v *view, parts []part, owners []int) (any, error) {
	counts := make([]int, len(parts))
	for _, p := range owners {
		counts[p]++
	}
	values := make([][]any, len(parts))
	for i := range parts {
		a, ok := parts[i].Reply.([]any)
		if !ok || len(a) != counts[i] {
			return nil, unexpected(v, &parts[i])
		}
		values[i] = a
	}
	all := make([]any, len(owners))
	for k, p := range owners {
		all[k] = values[p][0]
		values[p] = values[p][1:]
	}
	return all, nil
}

// mergeAnd: arrays of 0 and 1; 1 where every shard says so.
func mergeAnd(v *view, parts []part) (any, error) {
	var all []any
	for i := range parts {
		a, ok := parts[i].Reply.([]any)
		if !ok || i > 0 && len(a) != len(all) {
			return nil, unexpected(v, &parts[i])
		}
		if i == 0 {
			all = a
			continue
		}
		for j := range a {
			if a[j] != int64(1) {
				all[j] = int64(0)
			}
		}
	}
	return all, nil
}
