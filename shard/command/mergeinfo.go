package command

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ShardInfo is one shard's reply to INFO.
type ShardInfo struct {
	Name string // the shard's
	Addr string // of the node that replied
	Text string
}

// shardFields are the fields that the section Shards repeats for each shard.
var shardFields = []string{"redis_version", "role", "used_memory", "connected_clients", "instantaneous_ops_per_sec"}

// MergeInfo is the merge InfoText: one INFO of the shards'. A field is the sum
// where sums mean something (sumFields, dbN), else the shards' value if they agree,
// else each value once, with commas between. A section Shards tells who is
// behind it. own, if it is not nil, may give a field a better value than the merged
// one: who merges knows some things himself. Lines of no form that INFO has are left
// out.
func MergeInfo(parts []ShardInfo, own func(field, merged string) string) string {
	var order []string // sections and fields, as they first appear
	values := map[string][]string{}
	var shards strings.Builder
	for i, p := range parts {
		fields := map[string]string{}
		for line := range strings.Lines(p.Text) {
			key, value, field := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
			if key == "" || !field && key[0] != '#' {
				continue
			}
			if _, seen := values[key]; !seen {
				order = append(order, key)
				values[key] = nil
			}
			if field {
				values[key] = append(values[key], value)
				fields[key] = value
			}
		}
		fmt.Fprintf(&shards, "shard%d:name=%s,addr=%s", i, p.Name, p.Addr)
		for _, f := range shardFields {
			if v, ok := fields[f]; ok {
				shards.WriteString("," + f + "=" + v)
			}
		}
		shards.WriteString("\r\n")
	}
	var b strings.Builder
	for _, key := range order {
		if strings.HasPrefix(key, "#") {
			if b.Len() > 0 {
				b.WriteString("\r\n")
			}
			b.WriteString(key + "\r\n")
			continue
		}
		value := mergeField(key, values[key])
		if own != nil {
			value = own(key, value)
		}
		b.WriteString(key + ":" + value + "\r\n")
	}
	fmt.Fprintf(&b, "\r\n# Shards\r\nshards:%d\r\n%s", len(parts), shards.String())
	return b.String()
}

// sumFields are the fields of INFO that count something a shard has of its own.
var sumFields = []string{
	"connected_clients", "maxclients", "blocked_clients", "tracking_clients", "pubsubshard_channels",
	"used_memory", "used_memory_rss", "used_memory_peak", "used_memory_overhead", "used_memory_startup",
	"used_memory_dataset", "used_memory_lua", "used_memory_scripts", "total_system_memory", "maxmemory",
	"rdb_changes_since_last_save", "total_connections_received", "total_commands_processed",
	"instantaneous_ops_per_sec", "total_net_input_bytes", "total_net_output_bytes", "rejected_connections",
	"expired_keys", "evicted_keys", "evicted_clients", "keyspace_hits", "keyspace_misses", "pubsub_channels",
	"pubsub_patterns", "total_error_replies", "unexpected_error_replies", "total_reads_processed",
	"total_writes_processed", "connected_slaves", "used_cpu_sys", "used_cpu_user",
	"lazyfree_pending_objects", "tracking_total_keys", "tracking_total_items", "lazyfreed_objects", "io_threaded_reads_processed", "io_threaded_writes_processed",
}

// sameFields are those that count what every shard has alike: the largest is the
// pool's.
var sameFields = []string{"number_of_cached_scripts", "number_of_functions", "number_of_libraries", "tracking_total_prefixes"}

func mergeField(key string, values []string) string {
	switch {
	case slices.Contains(sameFields, key):
		return slices.MaxFunc(values, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	case slices.Contains(sumFields, key):
		if s, ok := sum(values); ok {
			return s
		}
	case strings.HasPrefix(key, "db"):
		if s, ok := mergeKeyspace(values); ok {
			return s
		}
	}
	var distinct []string
	for _, v := range values {
		if !slices.Contains(distinct, v) {
			distinct = append(distinct, v)
		}
	}
	return strings.Join(distinct, ",")
}

func sum(values []string) (string, bool) {
	var ints int64
	var floats float64
	whole := true
	for _, v := range values {
		f, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return "", false
		}
		n, err := strconv.ParseInt(v, 10, 64)
		whole = whole && err == nil
		ints += n
		floats += f
	}
	if whole {
		return strconv.FormatInt(ints, 10), true
	}
	return strconv.FormatFloat(floats, 'f', 6, 64), true
}

// mergeKeyspace adds keys=1,expires=0,avg_ttl=0 up; the average weighted by the
// keys that expire.
func mergeKeyspace(values []string) (string, bool) {
	var keys, expires, ttl int64
	for _, v := range values {
		var k, e, t int64
		if _, err := fmt.Sscanf(v, "keys=%d,expires=%d,avg_ttl=%d", &k, &e, &t); err != nil {
			return "", false
		}
		keys, expires, ttl = keys+k, expires+e, ttl+t*e
	}
	if expires > 0 {
		ttl /= expires
	}
	return fmt.Sprintf("keys=%d,expires=%d,avg_ttl=%d", keys, expires, ttl), true
}
