package examples_test

import (
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

const installTools = "apt-get install -y redis-tools"

// TestRedisCLI uses redis-cli through the proxy as people do: single commands,
// a list of them on standard input, --scan, --pipe, --raw binary values.
func TestRedisCLI(t *testing.T) {
	cli := find(t, "redis-cli", installTools)
	each(t, func(t *testing.T, s *shards) {
		host, port, _ := strings.Cut(s.addr, ":")
		run := func(input string, args ...string) string {
			t.Helper()
			return strings.TrimSuffix(run(t, input, append([]string{cli, "-h", host, "-p", port}, args...)...), "\n")
		}
		expect := func(want, got string) {
			t.Helper()
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		expect("PONG", run("", "PING"))
		expect("OK", run("", "SET", "cli:hello", "world"))
		expect("world", run("", "GET", "cli:hello"))
		expect("OK\nOK\n3\n1\n\n3", run("MSET cli:a 1 cli:b 2\nSET cli:c 3\nEXISTS cli:a cli:b cli:c\nGET cli:a\nGET cli:none\nDEL cli:a cli:b cli:c\n"))
		if got := run("INCR cli:hello\nGET cli:hello\n"); !strings.HasPrefix(got, "ERR value is not an integer") || !strings.HasSuffix(got, "\nworld") {
			t.Errorf("an error and what follows it: %q", got)
		}
		expect("cli:hello", run("", "--scan", "--pattern", "cli:*"))
		expect("1", run("", "DBSIZE"))

		// The mass insertion of redis-cli, which may be in the inline form too.
		const keys = 10_000
		var protocol, inline strings.Builder
		for i := range keys {
			key, value := fmt.Sprintf("pipe:%d", i), fmt.Sprintf("value %d", i)
			fmt.Fprintf(&protocol, "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", len(key), key, len(value), value)
			fmt.Fprintf(&inline, "SET inline:%d \"value %d\"\r\n", i, i)
		}
		for _, input := range []string{protocol.String(), inline.String()} {
			if got := run(input, "--pipe"); !strings.Contains(got, "errors: 0, replies: "+strconv.Itoa(keys)) {
				t.Errorf("--pipe: %s", got)
			}
		}
		expect("value 77\nvalue 9999", run("", "MGET", "pipe:77", "inline:9999"))
		expect(strconv.Itoa(2*keys+1), run("", "DBSIZE"))
		expect(strconv.Itoa(keys), strconv.Itoa(strings.Count(run("", "--scan", "--pattern", "inline:*")+"\n", "\n")))

		every := make([]byte, 255)
		for i := range every {
			every[i] = byte(i + 1)
		}
		expect("OK", run(string(every), "-x", "SET", "cli:binary"))
		expect(string(every), run("", "--raw", "GET", "cli:binary"))
		expect("OK", run("", "FLUSHALL"))
		expect("0", run("", "DBSIZE"))
		s.saw(t, "set", "scan", "dbsize", "flushall")
	})
}

// TestRedisBenchmark runs redis-benchmark's own loads and prints its figures.
// It ends with an error at the first error reply.
func TestRedisBenchmark(t *testing.T) {
	benchmark := find(t, "redis-benchmark", installTools)
	mget := append([]string{"MGET"}, strings.Fields(strings.Repeat("key:__rand_int__ ", 10))...)
	each(t, func(t *testing.T, s *shards) {
		host, port, _ := strings.Cut(s.addr, ":")
		for _, load := range []struct {
			name string
			args []string
		}{
			{"50 clients", []string{"-t", "set,get,incr,lpush,rpop,sadd,hset,zadd,mset"}},
			{"P16", []string{"-t", "set,get,incr", "-P", "16"}},
			{"200 clients, P100", []string{"-t", "get", "-c", "200", "-P", "100", "-n", "100000"}},
			{"4 KiB, P16", []string{"-t", "set,get", "-d", "4096", "-P", "16"}},
			{"MGET of 10", mget},
			{"MGET of 10, P16", append([]string{"-P", "16"}, mget...)},
		} {
			args := append([]string{benchmark, "-h", host, "-p", port, "--csv", "-n", "20000", "-r", "100000"}, load.args...)
			rows, err := csv.NewReader(strings.NewReader(run(t, "", args...))).ReadAll()
			if err != nil || len(rows) < 2 {
				t.Fatalf("%s: %v, %v", load.name, rows, err)
			}
			for _, row := range rows[1:] {
				name, _, _ := strings.Cut(row[0], " ")
				t.Logf("%s (%s): %s a second, p50 %s ms, p99 %s ms", name, load.name, row[1], row[4], row[6])
			}
		}
		s.saw(t, "set", "get", "incr", "mget", "mset")
	})
}
