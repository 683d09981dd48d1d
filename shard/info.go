package shard

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// mergeInfo makes one INFO of the shards': a field is the sum where sums mean
// something, else the shards' value if they agree, else each value once, with
// commas between. A section Shards tells who is behind it.
func mergeInfo(v *view, parts []part) (any, error) {
	var order []string // sections and fields as they first appear
	values := map[string][]string{}
	var shards strings.Builder
	for i := range parts {
		text, ok := parts[i].reply.([]byte)
		if !ok {
			return nil, unexpected(v, &parts[i])
		}
		own := map[string]string{}
		for line := range strings.Lines(string(text)) {
			key, value, field := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
			if key == "" {
				continue
			}
			if _, seen := values[key]; !seen {
				order = append(order, key)
				values[key] = nil
			}
			if field {
				values[key] = append(values[key], value)
				own[key] = value
			}
		}
		s := &v.Shards[parts[i].shard]
		fmt.Fprintf(&shards, "shard%d:name=%s,addr=%s", i, s.Name, s.Primary.Addr)
		for _, f := range []string{"redis_version", "role", "used_memory", "connected_clients", "instantaneous_ops_per_sec"} {
			if value, ok := own[f]; ok {
				shards.WriteString("," + f + "=" + value)
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
		b.WriteString(key + ":" + mergeField(key, values[key]) + "\r\n")
	}
	fmt.Fprintf(&b, "\r\n# Shards\r\nshards:%d\r\n%s", len(parts), shards.String())
	return []byte(b.String()), nil
}

// sums reports whether a field of INFO counts what a server has of its own.
func sums(field string) bool {
	switch field {
	case "connected_clients", "maxclients", "blocked_clients", "tracking_clients", "pubsubshard_channels",
		"used_memory", "used_memory_rss", "used_memory_peak", "used_memory_overhead", "used_memory_startup",
		"used_memory_dataset", "used_memory_lua", "used_memory_scripts", "total_system_memory", "maxmemory",
		"rdb_changes_since_last_save", "total_connections_received", "total_commands_processed",
		"instantaneous_ops_per_sec", "total_net_input_bytes", "total_net_output_bytes", "rejected_connections",
		"expired_keys", "evicted_keys", "evicted_clients", "keyspace_hits", "keyspace_misses", "pubsub_channels",
		"pubsub_patterns", "total_error_replies", "unexpected_error_replies", "total_reads_processed",
		"total_writes_processed", "connected_slaves", "used_cpu_sys", "used_cpu_user", "number_of_cached_scripts",
		"lazyfree_pending_objects", "lazyfreed_objects", "io_threaded_reads_processed", "io_threaded_writes_processed":
		return true
	}
	return false
}

func mergeField(key string, values []string) string {
	var merged string
	var ok bool
	if sums(key) {
		merged, ok = sum(values)
	} else if strings.HasPrefix(key, "db") {
		merged, ok = mergeKeyspace(values)
	}
	if ok {
		return merged
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

// mergeKeyspace adds keys=1,expires=0,avg_ttl=0 up, the average weighted by
// the keys that expire.
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
