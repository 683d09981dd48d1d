package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/shardring/shardring/bench/chaos/internal/fleet"
	"github.com/shardring/shardring/bench/chaos/internal/load"
	"github.com/shardring/shardring/bench/internal/machine"
)

// The clients of the scenario crowd. With those of the load's control there are
// fewer than the limit; the rest is refused.
const (
	idleClients = 10000
	busyClients = 1000
	beyondLimit = 50
)

// crowd fills a proxy up to client_connections and beyond.
func crowd(ctx context.Context, e env) *row {
	return e.crowd(ctx, idleClients, busyClients)
}

func (e env) crowd(ctx context.Context, idle, busy int) *row {
	r := &run{env: e, row: &row{name: "crowd"}}
	if err := r.crowded(ctx, idle, busy); err != nil {
		r.row.fail("%v", err)
	}
	return r.row
}

func (r *run) crowded(ctx context.Context, idle, busy int) (err error) {
	limit, err := machine.RaiseFileLimit()
	if err != nil {
		return err
	}
	if need := idle + busy + 500; limit < need {
		return fmt.Errorf("want %d open files, the hard limit is %d: raise it with ulimit -Hn", need, limit)
	}
	const shards = 3
	workers := busy / (shards + 1) // of each shard, and of all
	most := idle + workers*(shards+1)
	spec := servers(listed, pool(fmt.Sprintf("client_connections: %d", most), "backlog: 4096"))
	spec.Shards = shards
	f, err := fleet.Start(ctx, r.env.servers(spec))
	if err != nil {
		return err
	}
	defer f.Close()
	r.fleet = f
	before, err := footprint(f.Proxy.Pid())
	if err != nil {
		return err
	}
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	for range idle {
		c, err := net.DialTimeout("tcp", f.Proxy.Addr, 10*time.Second)
		if err != nil {
			return fmt.Errorf("idle client %d: %w", len(conns)+1, err)
		}
		conns = append(conns, c)
	}
	if err := pingAll(conns); err != nil {
		return err
	}
	after, err := footprint(f.Proxy.Pid())
	if err != nil {
		return err
	}
	r.say("%d idle clients: %d bytes of shardproxy's memory each", idle, (after.memory-before.memory)/int64(idle))
	r.load, err = load.Start(load.Spec{
		Proxy: f.Proxy.Addr, File: f.Proxy.ConfigPath(), Pool: "chaos", Workers: workers,
		Think: 1000 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	defer r.load.Close()
	r.load.Enter(load.During)
	r.began = time.Now()
	if err := sleep(ctx, 3*time.Second); err != nil { // all busy ones have come
		return err
	}
	refused, err := refusals(f.Proxy.Addr, beyondLimit)
	if err != nil {
		return err
	}
	r.say("%d clients beyond client_connections: %d refused with an error", beyondLimit, refused)
	if refused != beyondLimit {
		r.row.fail("%d of %d clients beyond client_connections: %d were refused", beyondLimit, most+beyondLimit, refused)
	}
	if err := sleep(ctx, r.env.stretch); err != nil {
		return err
	}
	if err := pingAll(conns); err != nil {
		return fmt.Errorf("after the others worked: %w", err)
	}
	resume := r.load.Rest()
	err = r.audit()
	resume()
	result := r.load.Stop()
	r.row.verdict, r.row.kinds = r.load.Verdict(), byWay(result, load.During)
	if r.row.errors = total(r.row.kinds); r.row.errors > 0 {
		r.row.fail("%d errors seen by clients, want none", r.row.errors)
	}
	if r.row.verdict.Wrong > 0 {
		r.row.fail("%d wrong answers, or acknowledged writes lost", r.row.verdict.Wrong)
	}
	r.say("%d busy clients: p99 %s", workers*(shards+1), ms(p99(result, load.During, load.Every)))
	return err
}

// pingAll asks every connection once, a thousand at a time.
func pingAll(conns []net.Conn) error {
	for begin := 0; begin < len(conns); begin += 1000 {
		some := conns[begin:min(begin+1000, len(conns))]
		for _, c := range some {
			if _, err := io.WriteString(c, "*1\r\n$4\r\nPING\r\n"); err != nil {
				return fmt.Errorf("an idle client's PING: %w", err)
			}
		}
		for _, c := range some {
			_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
			reply := make([]byte, len("+PONG\r\n"))
			if _, err := io.ReadFull(c, reply); err != nil || string(reply) != "+PONG\r\n" {
				return fmt.Errorf("an idle client's PING got %q, %v", reply, err)
			}
		}
	}
	return nil
}

// refusals connects count clients at once and counts those that are told an error
// before their connection is closed.
func refusals(addr string, count int) (refused int, err error) {
	var mu sync.Mutex // protects refused and err
	var all sync.WaitGroup
	for range count {
		all.Go(func() {
			ok, why := isRefused(addr)
			mu.Lock()
			defer mu.Unlock()
			if ok {
				refused++
			}
			if err == nil {
				err = why
			}
		})
	}
	all.Wait()
	return refused, err
}

func isRefused(addr string) (bool, error) {
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return false, err
	}
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(time.Second)) // one that is let in is told nothing
	line, err := bufio.NewReader(c).ReadString('\n')
	return err == nil && strings.HasPrefix(line, "-ERR max number of clients"), nil
}
