package main

import (
	"fmt"
	"strconv"
	"strings"
)

// Load is what redis-benchmark asks of a target.
type Load struct {
	Command  string // GET, SET, MGET, MSET, DEL
	Keys     int    // in one request
	Size     int    // of a value, in bytes
	Clients  int
	Pipeline int // requests a client sends before it waits for replies
}

// String names the load in tables, and is what --only matches.
func (l Load) String() string {
	name := l.Command
	if l.Keys > 1 {
		name += " of " + thousands(l.Keys)
	}
	plural := "s"
	if l.Clients == 1 {
		plural = ""
	}
	return fmt.Sprintf("%s, %s, %s client%s, P%d", name, bytesName(l.Size), thousands(l.Clients), plural, l.Pipeline)
}

// keyspace is the number of different keys a load asks for. All of them are
// in every redis-server, so it falls with the size of the values.
func (l Load) keyspace() int {
	if l.Size >= 64<<10 {
		return 500
	}
	return 10_000
}

// args are redis-benchmark's arguments after the address. Each __rand_int__
// becomes another random key of the keyspace.
func (l Load) args(n int) []string {
	args := []string{
		"--csv", "-n", strconv.Itoa(n), "-r", strconv.Itoa(l.keyspace()),
		"-c", strconv.Itoa(l.Clients), "-P", strconv.Itoa(l.Pipeline), "-d", strconv.Itoa(l.Size),
	}
	switch l.Command {
	case "GET", "SET":
		return append(args, "-t", strings.ToLower(l.Command))
	}
	args = append(args, strings.ToLower(l.Command))
	for range l.Keys {
		switch l.Command {
		case "MSET":
			args = append(args, "mset:__rand_int__", strings.Repeat("x", l.Size))
		case "DEL":
			args = append(args, "mset:__rand_int__")
		default:
			args = append(args, "key:__rand_int__")
		}
	}
	return args
}

// probe is the number of requests of the first run, which finds the rate and
// warms up: each client has its turn.
func (l Load) probe() int {
	return max(l.Clients*l.Pipeline, 2000/l.Keys)
}

// loadSet is a named list of loads with the time each run takes unless the
// user says otherwise.
type loadSet struct {
	name    string
	about   string
	loads   []Load
	rounds  int
	seconds float64
}

func loadSets() []loadSet {
	matrix := matrixLoads()
	return []loadSet{
		{"short", "the six loads that tell most, about 90 seconds", shortLoads(), 3, 1.2},
		{"matrix", "GET, SET and MGET of 10 for every number of clients, pipeline and size, about 11 minutes", matrix, 3, 0.8},
		{"full", "matrix, MSET and DEL of 10, large values and MGETs of 10,000 keys, about 13 minutes", append(matrix, largeLoads()...), 3, 0.8},
		{"targets", "the loads for which shardproxy has a goal, more often, about 7 minutes", goalLoads(), 5, 1.5},
		{"none", "no load, for the other measurements alone", nil, 3, 1},
	}
}

func shortLoads() []Load {
	return []Load{
		{"GET", 1, 64, 50, 1},
		{"SET", 1, 64, 50, 1},
		{"GET", 1, 64, 50, 16},
		{"GET", 1, 64, 1000, 1},
		{"MGET", 10, 64, 50, 1},
		{"MGET", 10, 64, 50, 8},
	}
}

func matrixLoads() []Load {
	var loads []Load
	for _, size := range []int{64, 4 << 10} {
		for _, clients := range []int{1, 50, 200, 1000} {
			loads = append(loads,
				Load{"GET", 1, size, clients, 1},
				Load{"GET", 1, size, clients, 16},
				Load{"SET", 1, size, clients, 1},
				Load{"SET", 1, size, clients, 16},
				Load{"MGET", 10, size, clients, 1},
				Load{"MGET", 10, size, clients, 8},
			)
		}
	}
	return loads
}

func largeLoads() []Load {
	return []Load{
		{"MSET", 10, 64, 50, 1},
		{"DEL", 10, 64, 50, 1},
		{"MGET", 10_000, 64, 10, 1},
		{"GET", 1, 64 << 10, 50, 1},
	}
}

// goal is what shardproxy is to reach under one load.
type goal struct {
	load   Load
	bounds bounds
}

// bounds are ratios of shardproxy to the baseline.
type bounds struct {
	cpu  float64 // at most
	rate float64 // at least
	p99  float64 // at most
}

// goals are in the order of their table. Any set that has one of these loads
// is judged.
func goals() []goal {
	return []goal{
		{Load{"GET", 1, 64, 50, 1}, bounds{0.80, 1.05, 1}},
		{Load{"SET", 1, 64, 50, 1}, bounds{0.80, 1.05, 1}},
		{Load{"GET", 1, 64, 50, 16}, bounds{0.50, 1.30, 1}},
		{Load{"SET", 1, 64, 50, 16}, bounds{0.50, 1.30, 1}},
		{Load{"GET", 1, 64, 1000, 1}, bounds{0.75, 1.10, 1}},
		{Load{"MGET", 10, 64, 50, 1}, bounds{0.70, 1.15, 1}},
		{Load{"MGET", 10, 64, 50, 8}, bounds{0.30, 1.50, 1}},
		{Load{"MSET", 10, 64, 50, 1}, bounds{0.80, 1.10, 1}},
		{Load{"DEL", 10, 64, 50, 1}, bounds{0.80, 1.10, 1}},
		{Load{"MGET", 10_000, 64, 10, 1}, bounds{0.30, 2, 1}},
		{Load{"GET", 1, 64 << 10, 50, 1}, bounds{0.80, 1.10, 1}},
	}
}

func goalLoads() []Load {
	var loads []Load
	for _, g := range goals() {
		loads = append(loads, g.load)
	}
	return loads
}

func bytesName(n int) string {
	if n >= 1<<10 && n%(1<<10) == 0 {
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}

// thousands writes n with commas: 10,000.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
