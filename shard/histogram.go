package shard

import (
	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/command"
)

// mergeHistogram: LATENCY HISTOGRAM of each shard; one of all calls.
func mergeHistogram(v *view, parts []part) (any, error) {
	var all []command.Latencies
	for i := range parts {
		histogram, ok := latencies(parts[i].Reply)
		if !ok {
			return nil, unexpected(v, &parts[i])
		}
		all = append(all, histogram...)
	}
	values := []any{}
	for _, l := range command.Builtin().MergeLatencies(all) {
		within := []any{}
		for _, bound := range l.Bounds() {
			within = append(within, bound, l.Within[bound])
		}
		values = append(values, []byte(l.Command),
			[]any{[]byte("calls"), l.Calls, []byte("histogram_usec"), within})
	}
	return values, nil
}

// latencies reads one shard's reply: a name and [calls n histogram_usec [bound count
// …]] in turn.
func latencies(reply any) (all []command.Latencies, ok bool) {
	values, err := redis.Values(reply, nil)
	if err != nil || len(values)%2 != 0 {
		return nil, false
	}
	for ; len(values) > 0; values = values[2:] {
		l := command.Latencies{Within: map[int64]int64{}}
		var fields []any
		var counts []int64
		if _, err = redis.Scan(values, &l.Command, &fields); err == nil {
			_, err = redis.Scan(fields, nil, &l.Calls, nil, &counts)
		}
		if err != nil || len(counts)%2 != 0 {
			return nil, false
		}
		for ; len(counts) > 0; counts = counts[2:] {
			l.Within[counts[0]] = counts[1]
		}
		all = append(all, l)
	}
	return all, true
}
