package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/shardring/shardring/bench/internal/machine"
)

// stage is one moment at which a proxy's memory is read.
type stage struct {
	name   string
	memory int64 // bytes, resident
}

// idleResult is the memory of one target as clients come, work and leave.
type idleResult struct {
	target target
	count  int // of clients
	stages []stage
	err    error
}

// idleSection is in the order of the counts, then of the targets.
type idleSection []idleResult

const (
	idlePipeline = 16              // GETs a client sends at once
	idleWindow   = 1000            // clients that send at the same time
	memorySettle = 5 * time.Second // in which a process may give memory back
)

// measureIdle starts each target anew, for a process keeps what earlier loads
// made it take, and one after the other.
func measureIdle(ctx context.Context, progress io.Writer, chosen []target, counts []int) (idleSection, error) {
	limit, err := machine.RaiseFileLimit()
	if err != nil {
		return nil, err
	}
	const spare = 200 // descriptors for everything else
	if need := slices.Max(counts) + spare; limit < need {
		return nil, fmt.Errorf("--idle %d needs %d open files, the hard limit is %d: raise it with ulimit -Hn", need-spare, need, limit)
	}
	var results idleSection
	for _, count := range counts {
		for _, t := range chosen {
			if t.spec == nil {
				continue // a redis-server's own clients are not the question
			}
			if err := ctx.Err(); err != nil {
				return results, err
			}
			r := idleResult{target: t, count: min(count, (limit-spare)/t.legs)}
			fmt.Fprintf(progress, "%s idle clients of %s\n", thousands(r.count), t.name)
			r.stages, r.err = idleStages(ctx, t, r.count, memorySettle)
			results = append(results, r)
		}
	}
	return results, nil
}

func idleStages(ctx context.Context, t target, count int, settle time.Duration) ([]stage, error) {
	f, err := startLoaded(ctx, t)
	if err != nil {
		return nil, err
	}
	defer f.close()
	c := &crowd{addr: f.targets[0].addr, pid: f.targets[0].pid()}
	defer c.leave()
	var stages []stage
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"started", func(context.Context) error { return nil }},
		{"connected", func(ctx context.Context) error { return c.join(ctx, count) }},
		{"after one GET each", func(ctx context.Context) error { return c.ask(ctx, 1, 1) }},
		{fmt.Sprintf("after pipelines of %d", idlePipeline), func(ctx context.Context) error { return c.ask(ctx, idlePipeline, idleWindow) }},
		{"after they left", func(context.Context) error { c.leave(); return nil }},
	} {
		if err := step.do(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", step.name, err)
		}
		if err := sleep(ctx, settle); err != nil {
			return nil, err
		}
		memory, err := machine.ResidentMemory(c.pid)
		if err != nil {
			return nil, err
		}
		stages = append(stages, stage{step.name, memory})
	}
	return stages, nil
}

// memoryLoad says which keys and values there are.
func memoryLoad() Load { return Load{Command: "GET", Keys: 1, Size: 64} }

// startLoaded starts one target before four redis-servers that hold the keys.
func startLoaded(ctx context.Context, t target) (*fleet, error) {
	f, err := startFleet(ctx, 4, []target{t})
	if err != nil {
		return nil, err
	}
	if err := f.preload(memoryLoad()); err != nil {
		return nil, f.closeWith(err)
	}
	if err := f.verifyAll(memoryLoad()); err != nil {
		return nil, f.closeWith(err)
	}
	return f, nil
}

// crowd is the idle clients of one target.
type crowd struct {
	addr  string
	pid   int
	conns []net.Conn
}

// join connects count clients and waits until the target has accepted all.
func (c *crowd) join(ctx context.Context, count int) error {
	before, err := machine.OpenFiles(c.pid)
	if err != nil {
		return err
	}
	dialer := net.Dialer{Timeout: 10 * time.Second}
	for range count {
		conn, err := dialer.DialContext(ctx, "tcp", c.addr)
		if err != nil {
			return fmt.Errorf("client %d: %w", len(c.conns)+1, err)
		}
		c.conns = append(c.conns, conn)
	}
	for deadline := time.Now().Add(30 * time.Second); ; {
		now, err := machine.OpenFiles(c.pid)
		if err != nil {
			return err
		}
		if now-before >= count {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d of %d clients accepted after 30 s", now-before, count)
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// ask has every client send a pipeline of GETs and read the replies. So many
// clients as the window says have theirs in flight at the same time.
func (c *crowd) ask(ctx context.Context, pipeline, window int) error {
	request := bytes.Repeat(getRequest(keyName(0)), pipeline)
	reply := bytes.Repeat(getReply(memoryLoad().Size), pipeline)
	got := make([]byte, len(reply))
	for first := 0; first < len(c.conns); first += window {
		if err := ctx.Err(); err != nil {
			return err
		}
		clients := c.conns[first:min(first+window, len(c.conns))]
		for _, conn := range clients {
			if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
				return err
			}
			if _, err := conn.Write(request); err != nil {
				return err
			}
		}
		for _, conn := range clients {
			if _, err := io.ReadFull(conn, got); err != nil {
				return err
			}
			if !bytes.Equal(got, reply) {
				return fmt.Errorf("GET %s was answered %q", keyName(0), got)
			}
		}
	}
	return nil
}

func (c *crowd) leave() {
	for _, conn := range c.conns {
		conn.Close()
	}
	c.conns = nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (s idleSection) write(b *strings.Builder) {
	if len(s) == 0 {
		return
	}
	fmt.Fprintf(b, "## Memory of idle clients\n\nResident memory of the proxy's process, each freshly started, %v after the event; "+
		"in brackets the KiB above the start for each client. The pipelines are of %d GETs of 64 B by every client, %s clients at a time. "+
		"HAProxy holds a second connection for each client, so the limit of open files may leave it fewer clients.\n\n",
		memorySettle, idlePipeline, thousands(idleWindow))
	header := false
	for _, r := range s {
		if r.err != nil {
			continue
		}
		if !header {
			header = true
			head, line := "| target | clients |", "|---|---:|"
			for _, at := range r.stages {
				head, line = head+" "+at.name+" |", line+"---:|"
			}
			b.WriteString(head + "\n" + line + "\n")
		}
		fmt.Fprintf(b, "| %s | %s | %.1f MiB |", r.target.name, thousands(r.count), mebibytes(r.stages[0].memory))
		for i := 1; i < len(r.stages); i++ {
			fmt.Fprintf(b, " %.1f MiB (%.2f) |", mebibytes(r.stages[i].memory), r.perClient(i)/1024)
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	for _, r := range s {
		if r.err != nil {
			fmt.Fprintf(b, "%s with %s clients failed: %v\n\n", r.target.name, thousands(r.count), r.err)
		}
	}
}

// perClient is what a stage takes above the first, in bytes for each client.
func (r idleResult) perClient(stage int) float64 {
	return float64(r.stages[stage].memory-r.stages[0].memory) / float64(r.count)
}

func (s idleSection) failures() int {
	n := 0
	for _, r := range s {
		if r.target.ours && r.err != nil {
			n++
		}
	}
	return n
}
