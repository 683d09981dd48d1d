package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/shardring/shardring/shard/shardtest"
)

// As strace 6.1 writes it.
const straceSummary = `    calls syscall
--------- ----------------
      492 futex
    61464 writev
   123049 epoll_ctl
        1 newfstatat
--------- ----------------
   185006 total
`

func TestParseStrace(t *testing.T) {
	got, err := parseStrace(straceSummary)
	want := []syscallCount{{"epoll_ctl", 123049}, {"writev", 61464}, {"futex", 492}, {"newfstatat", 1}}
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("got %v, %v, want %v", got, err, want)
	}
	for _, text := range []string{
		"",
		"strace: Process 1 attached\n",
		strings.Replace(straceSummary, "61464", "x", 1),
		strings.Replace(straceSummary, "185006 total", "", 1),
	} {
		if got, err := parseStrace(text); err == nil {
			t.Errorf("read %v from %q", got, text)
		}
	}
}

func TestCountSyscalls(t *testing.T) {
	redis := shardtest.Redis(t)
	counts, err := countSyscalls(context.Background(), redis.Pid(), func(context.Context) error {
		for range 100 {
			if _, err := redis.Do("PING"); err != nil { // each on a connection of its own
				return err
			}
		}
		return nil
	})
	if err != nil && strings.Contains(err.Error(), "not permitted") { // to trace, in some containers
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(counts, func(c syscallCount) bool { return strings.HasPrefix(c.name, "accept") })
	if i < 0 || counts[i].calls < 100 {
		t.Errorf("100 connects are %v", counts)
	}
	failed := errors.New("no work")
	if _, err := countSyscalls(context.Background(), redis.Pid(), func(context.Context) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("error %v, want that of the work", err)
	}
	if _, err := countSyscalls(context.Background(), 1<<22, nil); err == nil || !strings.Contains(err.Error(), "strace") {
		t.Errorf("a process that does not exist: error %v", err)
	}
}
