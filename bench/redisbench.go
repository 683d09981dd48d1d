package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"net"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// clientFigures are what the clients saw from their side: redis-benchmark's,
// or those of the open loop.
type clientFigures struct {
	Rate float64 // requests a second
	P50  float64 // ms
	P99  float64 // ms

	// Of the open loop only.
	P999    float64 // ms
	Max     float64 // ms
	Late    float64 // ms, p99 of how late the generator wrote its requests
	Overdue bool    // so late that the figures tell of the generator
}

// redisBenchmark runs one load of n requests against addr. An error reply
// ends redis-benchmark and is an error here.
func redisBenchmark(ctx context.Context, addr string, load Load, n int) (clientFigures, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return clientFigures{}, err
	}
	// The kernel ends the child with the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, "redis-benchmark", append([]string{"-h", host, "-p", port}, load.args(n)...)...)
	cmd.SysProcAttr = endWithParent()
	cmd.WaitDelay = time.Second
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return clientFigures{}, fmt.Errorf("redis-benchmark: %w: %s", err, lastLine(complaints.String()+out.String()))
	}
	figures, err := parseCSV(out.Bytes())
	if err != nil {
		return clientFigures{}, fmt.Errorf("redis-benchmark: %w", err)
	}
	return figures, nil
}

// parseCSV reads the one result of redis-benchmark --csv: a line of names,
// "test","rps",…, and a line of values. The columns are found by name.
func parseCSV(text []byte) (clientFigures, error) {
	records, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		return clientFigures{}, fmt.Errorf("its csv: %w", err)
	}
	if len(records) != 2 {
		return clientFigures{}, fmt.Errorf("its csv has %d lines, want a line of names and one of values", len(records))
	}
	var f clientFigures
	for name, field := range map[string]*float64{"rps": &f.Rate, "p50_latency_ms": &f.P50, "p99_latency_ms": &f.P99} {
		i := indexOf(records[0], name)
		if i < 0 {
			return clientFigures{}, fmt.Errorf("its csv has no column %q: redis-benchmark 6.2 or later is needed", name)
		}
		if *field, err = strconv.ParseFloat(records[1][i], 64); err != nil {
			return clientFigures{}, fmt.Errorf("its csv, column %q: %w", name, err)
		}
	}
	return f, nil
}

func indexOf(list []string, want string) int {
	for i, s := range list {
		if s == want {
			return i
		}
	}
	return -1
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	line := lines[len(lines)-1]
	return line[:min(len(line), 200)]
}
