package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/shardring/shardring/bench/internal/machine"
)

// churnResult is what one target keeps of clients that came and went.
type churnResult struct {
	target target
	count  int
	rate   float64 // connects a second
	cpu    float64 // µs of the target a client
	stages []stage // started, a tenth, all
	files  int     // descriptors more than at the start
	err    error
}

// churnSection is in the order of the targets.
type churnSection []churnResult

const churnWorkers = 20 // clients at the same time

// measureChurn has count clients connect to each sharding proxy, which is freshly
// started, ask for one key and leave.
func measureChurn(ctx context.Context, progress io.Writer, chosen []target, count int) (churnSection, error) {
	var results churnSection
	for _, t := range sharders(chosen) {
		if err := ctx.Err(); err != nil {
			return results, err
		}
		fmt.Fprintf(progress, "%s connects to %s\n", thousands(count), t.name)
		r := churnResult{target: t, count: count}
		r.err = r.measure(ctx, memorySettle)
		results = append(results, r)
	}
	return results, ctx.Err()
}

func (r *churnResult) measure(ctx context.Context, settle time.Duration) error {
	f, err := startLoaded(ctx, r.target)
	if err != nil {
		return err
	}
	defer f.close()
	t := f.targets[0]
	note := func(name string) (files int, err error) {
		if err := sleep(ctx, settle); err != nil {
			return 0, err
		}
		memory, err := machine.ResidentMemory(t.pid())
		if err != nil {
			return 0, err
		}
		r.stages = append(r.stages, stage{name, memory})
		return machine.OpenFiles(t.pid())
	}
	before, err := note("started")
	if err != nil {
		return err
	}
	tenth := r.count / 10
	if err := comeAndGo(ctx, t.addr, tenth); err != nil {
		return err
	}
	if _, err := note("after a tenth"); err != nil {
		return err
	}
	cpu, err := machine.CPUTime(t.pid())
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := comeAndGo(ctx, t.addr, r.count-tenth); err != nil {
		return err
	}
	took := time.Since(begin)
	cpuAfter, err := machine.CPUTime(t.pid())
	if err != nil {
		return err
	}
	after, err := note("after all")
	if err != nil {
		return err
	}
	r.files = after - before
	r.rate = float64(r.count-tenth) / took.Seconds()
	r.cpu = float64((cpuAfter - cpu).Nanoseconds()) / 1e3 / float64(r.count-tenth)
	return nil
}

// comeAndGo has count clients connect, ask once and close. Each worker has a
// source address of its own: a closed connection keeps its port for a minute.
func comeAndGo(ctx context.Context, addr string, count int) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var workers sync.WaitGroup
	for worker := range churnWorkers {
		workers.Go(func() {
			dialer := net.Dialer{
				Timeout:   10 * time.Second,
				LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+worker))},
				Control:   portAtConnect,
			}
			for i := worker; i < count; i += churnWorkers {
				if err := visit(ctx, dialer, addr); err != nil {
					fail(fmt.Errorf("client %d: %w", i+1, err))
					return
				}
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}

func visit(ctx context.Context, dialer net.Dialer, addr string) error {
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write(getRequest(keyName(0))); err != nil {
		return err
	}
	want := getReply(memoryLoad().Size)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("GET %s was answered %q", keyName(0), got)
	}
	return nil
}

func (s churnSection) write(b *strings.Builder) {
	if len(s) == 0 {
		return
	}
	fmt.Fprintf(b, "## Memory after churn\n\n%s clients, %d at a time, that connect, GET one key of 64 B and close. "+
		"Resident memory of the proxy's process, freshly started, %v after the event; CPU is µs of it for one such client; "+
		"files kept are its descriptors beyond those at the start.\n\n", thousands(s[0].count), churnWorkers, memorySettle)
	b.WriteString("| target | clients/s | CPU µs | started | after a tenth | after all | kept | files kept |\n|---|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, r := range s {
		if r.err != nil {
			continue
		}
		fmt.Fprintf(b, "| %s | %s | %.1f |", r.target.name, figure(r.rate, -1), r.cpu)
		for _, at := range r.stages {
			fmt.Fprintf(b, " %.1f MiB |", mebibytes(at.memory))
		}
		fmt.Fprintf(b, " %.1f MiB | %d |\n", mebibytes(r.stages[len(r.stages)-1].memory-r.stages[0].memory), r.files)
	}
	b.WriteString("\n")
	for _, r := range s {
		if r.err != nil {
			fmt.Fprintf(b, "%s failed: %v\n\n", r.target.name, r.err)
		}
	}
}

func (s churnSection) failures() int {
	n := 0
	for _, r := range s {
		if r.target.ours && r.err != nil {
			n++
		}
	}
	return n
}
