package main

import (
	"strings"
	"testing"
)

func TestLoadArgs(t *testing.T) {
	for _, c := range []struct {
		load Load
		name string
		want string
	}{
		{Load{"GET", 1, 64, 1, 1}, "GET, 64 B, 1 client, P1",
			"--csv -n 9 -r 10000 -c 1 -P 1 -d 64 -t get"},
		{Load{"SET", 1, 4 << 10, 1000, 16}, "SET, 4 KiB, 1,000 clients, P16",
			"--csv -n 9 -r 10000 -c 1000 -P 16 -d 4096 -t set"},
		{Load{"GET", 1, 64 << 10, 50, 1}, "GET, 64 KiB, 50 clients, P1",
			"--csv -n 9 -r 500 -c 50 -P 1 -d 65536 -t get"},
		{Load{"MGET", 2, 64, 50, 8}, "MGET of 2, 64 B, 50 clients, P8",
			"--csv -n 9 -r 10000 -c 50 -P 8 -d 64 mget key:__rand_int__ key:__rand_int__"},
		{Load{"MSET", 2, 3, 50, 1}, "MSET of 2, 3 B, 50 clients, P1",
			"--csv -n 9 -r 10000 -c 50 -P 1 -d 3 mset mset:__rand_int__ xxx mset:__rand_int__ xxx"},
		{Load{"DEL", 10_000, 3, 50, 1}, "DEL of 10,000, 3 B, 50 clients, P1",
			"--csv -n 9 -r 10000 -c 50 -P 1 -d 3 del" + strings.Repeat(" mset:__rand_int__", 10_000)},
	} {
		if got := strings.Join(c.load.args(9), " "); got != c.want {
			t.Errorf("%v:\n got %.200s\nwant %.200s", c.load, got, c.want)
		}
		if got := c.load.String(); got != c.name {
			t.Errorf("named %q, want %q", got, c.name)
		}
	}
}

// Loads of one size must be neighbours: the keys are written anew for each.
func TestSetsHoldEachLoadOnce(t *testing.T) {
	for _, set := range loadSets() {
		seen := make(map[string]bool)
		for _, l := range set.loads {
			if seen[l.String()] {
				t.Errorf("%s has %s twice", set.name, l)
			}
			seen[l.String()] = true
		}
	}
	matrix := loadSets()[1]
	if want := 2 * 4 * 6; len(matrix.loads) != want {
		t.Errorf("matrix has %d loads, want %d", len(matrix.loads), want)
	}
}

func TestRequestsFor(t *testing.T) {
	l := Load{"GET", 1, 64, 50, 16}
	for _, c := range []struct {
		rate, seconds float64
		want          int
	}{
		{100_000, 1.5, 150_000},
		{100_001, 1, 100_000},
		{10, 1, 1600},
		{0, 1, 1600},
	} {
		if got := requestsFor(l, c.rate, c.seconds); got != c.want {
			t.Errorf("at %v/s for %v s: %d requests, want %d", c.rate, c.seconds, got, c.want)
		}
	}
}
