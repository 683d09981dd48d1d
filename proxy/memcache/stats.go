package memcache

import (
	"bytes"
	"strconv"
	"strings"
)

// ShardStats is what a shard answered to stats.
type ShardStats struct {
	Name string
	Text string // the reply, its last line included
}

// MergeStats makes one reply of those of several shards: counters are added up, of what
// cannot be, the first shard's stands. Lines that are no statistics come one after
// another. If a shard answers with a line that is no list, as RESET, so does the
// pool; an error goes first.
func MergeStats(of []ShardStats) []byte {
	single := ""
	for _, sh := range of {
		if line, _, _ := strings.Cut(sh.Text, "\r\n"); !isList(line) && (single == "" || IsError(line)) {
			single = line
		}
	}
	if single != "" {
		return []byte(single + "\r\n")
	}
	var names []string
	values := map[string]string{}
	var rest bytes.Buffer
	for _, sh := range of {
		for line := range strings.SplitSeq(sh.Text, "\r\n") {
			stat, ok := strings.CutPrefix(line, "STAT ")
			if !ok {
				if line != "" && line != "END" {
					rest.WriteString(line + "\r\n")
				}
				continue
			}
			name, value, _ := strings.Cut(stat, " ")
			if old, seen := values[name]; seen {
				values[name] = mergeStat(name, old, value)
				continue
			}
			names = append(names, name)
			values[name] = value
		}
	}
	var b bytes.Buffer
	for _, name := range names {
		b.WriteString("STAT " + name + " " + values[name] + "\r\n")
	}
	b.Write(rest.Bytes())
	b.WriteString("END\r\n")
	return b.Bytes()
}

// JoinStats makes one reply of those of several shards, whose names stand before those of
// their statistics.
func JoinStats(of []ShardStats) []byte {
	var b bytes.Buffer
	for _, sh := range of {
		for line := range strings.SplitSeq(sh.Text, "\r\n") {
			switch stat, ok := strings.CutPrefix(line, "STAT "); {
			case ok:
				b.WriteString("STAT " + sh.Name + ":" + stat + "\r\n")
			case line != "" && line != "END":
				b.WriteString("STAT " + sh.Name + ":reply " + line + "\r\n")
			}
		}
	}
	b.WriteString("END\r\n")
	return b.Bytes()
}

func isList(line string) bool {
	word, _, _ := strings.Cut(line, " ")
	return word == "STAT" || word == "ITEM" || word == "PREFIX" || line == "END"
}

// IsError reports whether a line of a reply is an error.
func IsError(line string) bool {
	return line == plainError || strings.HasPrefix(line, "CLIENT_ERROR ") || strings.HasPrefix(line, "SERVER_ERROR ") || strings.HasPrefix(line, "ERROR")
}

// kept are the statistics, by the last part of their names, that say what a server is,
// and no sum does.
var kept = map[string]bool{
	"pid": true, "time": true, "pointer_size": true, "hash_power_level": true, "accepting_conns": true,
	"chunk_size": true, "chunks_per_page": true, "tcpport": true, "udpport": true, "verbosity": true,
	"growth_factor": true, "item_size_max": true, "num_threads": true, "num_threads_per_udp": true,
	"oldest": true, "umask": true, "tcp_backlog": true, "hashpower_init": true, "reqs_per_event": true,
	"lru_maintainer_thread": true, "hot_lru_pct": true, "warm_lru_pct": true, "tail_repair_time": true,
}

// mergeStat merges two values of a statistic.
func mergeStat(name, a, b string) string {
	last := name[strings.LastIndexByte(name, ':')+1:]
	if kept[last] {
		return a
	}
	if m, err := strconv.ParseUint(a, 10, 64); err == nil {
		if n, err := strconv.ParseUint(b, 10, 64); err == nil {
			switch {
			case last == "uptime":
				return strconv.FormatUint(min(m, n), 10) // as a server that began anew
			case last == "age" || strings.HasPrefix(last, "age_") || strings.HasSuffix(last, "_max"):
				return strconv.FormatUint(max(m, n), 10)
			}
			return strconv.FormatUint(m+n, 10)
		}
	}
	if strings.HasPrefix(last, "rusage_") {
		m, err1 := strconv.ParseFloat(a, 64)
		n, err2 := strconv.ParseFloat(b, 64)
		if err1 == nil && err2 == nil {
			return strconv.FormatFloat(m+n, 'f', 6, 64)
		}
	}
	return a
}

// Older reports whether the first of two VERSION lines is of an older server.
func Older(a, b string) bool {
	x, y := strings.Split(strings.TrimPrefix(a, "VERSION "), "."), strings.Split(strings.TrimPrefix(b, "VERSION "), ".")
	for i := range min(len(x), len(y)) {
		m, _ := strconv.Atoi(x[i])
		n, _ := strconv.Atoi(y[i])
		if m != n {
			return m < n
		}
	}
	return len(x) < len(y)
}
