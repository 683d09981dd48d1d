package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/shardtest"
)

// settled is how long after the last step a request still counts as one of the switch:
// who was not told looks for the primary by itself.
const settled = time.Second

// phases are those of the last move, which the command began then. The journal says
// when its steps began.
func (m *moving) phases(t *testing.T, began time.Time) (sync, change, after phase) {
	t.Helper()
	data, err := os.ReadFile(m.path + ".cache.cache-2.moved")
	if err != nil {
		t.Fatal(err)
	}
	var switched, done time.Time
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		var e struct {
			Time time.Time
			Step string
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		switch e.Step {
		case "freeze", "failover": // of the first attempt
			if switched.IsZero() {
				switched = e.Time
			}
		case "done":
			done = e.Time.Add(settled)
		}
	}
	if switched.IsZero() || done.IsZero() {
		t.Fatalf("no switch in the journal:\n%s", data)
	}
	return phase{"while it synced", began, switched}, phase{"at the switch", switched, done}, phase{"after", done, time.Now()}
}

// syncByHand has a replica made of a server as everybody would, and gone again: what
// that costs is not ours.
func syncByHand(t *testing.T, s *shardtest.Server) phase {
	t.Helper()
	p := phase{name: "a sync by hand"}
	r := shardtest.Redis(t)
	defer r.Close()
	host, port, _ := strings.Cut(s.Addr, ":")
	p.from = time.Now()
	if _, err := r.Do("REPLICAOF", host, port); err != nil {
		t.Fatal(err)
	}
	for end := p.from.Add(5 * time.Minute); info(t, r, "replication")["master_link_status"] != "up"; {
		if time.Now().After(end) {
			t.Fatal("no sync in 5 minutes")
		}
		time.Sleep(100 * time.Millisecond)
	}
	p.to = time.Now()
	return p
}

// info reads a section of a server's INFO.
func info(t *testing.T, s *shardtest.Server, section string) map[string]string {
	t.Helper()
	text, err := redis.String(s.Do("INFO", section))
	for end := time.Now().Add(time.Minute); err != nil && time.Now().Before(end); { // it may load
		time.Sleep(100 * time.Millisecond)
		text, err = redis.String(s.Do("INFO", section))
	}
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		fields[name] = value
	}
	return fields
}

// fork is how long a server's last fork took, in which it answers nobody.
func fork(t *testing.T, s *shardtest.Server) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(info(t, s, "stats")["latest_fork_usec"] + "us")
	if err != nil {
		t.Fatal(err)
	}
	return d.Round(time.Millisecond)
}
