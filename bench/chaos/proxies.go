package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/shardring/shardring/bench/chaos/internal/fleet"
	"github.com/shardring/shardring/bench/chaos/internal/load"
	"github.com/shardring/shardring/bench/internal/machine"
)

// admin has shardproxy serve its admin address.
func admin(s *fleet.Spec) { s.Process = append(s.Process, "admin: ${ADDR.admin}") }

// busily leaves no time between pipelines.
func busily(s *load.Spec) { s.Think, s.Depth = 0, 16 }

const reloadCount = 200

// reloads has shardproxy read one of two files, in turn.
func reloads(ctx context.Context, r *run) error {
	pid := r.fleet.Proxy.Pid()
	before, err := footprint(pid)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(r.fleet.Proxy.ConfigPath())
	if err != nil {
		return err
	}
	other := strings.Replace(string(text), r.env.timeout(), r.env.timeout()+"\n  client_connections: 5000\n  server_retry_timeout: 2s", 1)
	if other == string(text) {
		return fmt.Errorf("the file has no timeout to change:\n%s", text)
	}
	begun := time.Now()
	for i := range reloadCount {
		if err := r.reload(ctx, []string{other, string(text)}[i%2]); err != nil {
			return fmt.Errorf("reload %d: %w", i+1, err)
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil { // so that clients are served by each
			return err
		}
	}
	r.say("%d reloads in %v", reloadCount, time.Since(begun).Round(time.Millisecond))
	if err := sleep(ctx, time.Second); err != nil {
		return err
	}
	after, err := footprint(pid)
	if err != nil {
		return err
	}
	r.say("shardproxy: %d descriptors and %.1f MiB before, %d and %.1f MiB after", before.files, mib(before.memory), after.files, mib(after.memory))
	const slack = 8 << 20 // what a collector leaves for the next time
	if after.files > before.files || after.memory > before.memory+before.memory/4+slack {
		r.row.fail("shardproxy keeps something of each reload: %+v before, %+v after", before, after)
	}
	return nil
}

// swap moves the shard to its replica, and tells shardproxy by a new file.
func swap(ctx context.Context, r *run) error {
	text, err := os.ReadFile(r.fleet.Proxy.ConfigPath())
	if err != nil {
		return err
	}
	from, to := r.victim().Nodes[0].Addr, r.victim().Nodes[1].Addr
	swapped := strings.NewReplacer(from, to, to, from).Replace(string(text))
	if err := r.handOver(ctx, r.victim().Nodes[1]); err != nil {
		return err
	}
	if err := r.reload(ctx, swapped); err != nil {
		return err
	}
	return r.regroup(ctx, r.victim().Nodes[1])
}

// reload replaces the file as a whole, asks for it and returns when all loops serve it.
func (r *run) reload(ctx context.Context, text string) error {
	path := r.fleet.Proxy.ConfigPath()
	next := filepath.Join(filepath.Dir(path), "next")
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		return err
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.fleet.Proxy.AddrOf("admin")+"/reload", nil)
	if err != nil {
		return err
	}
	request.Close = true // shardproxy's descriptors are counted
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	return err
}

// size is what a process holds.
type size struct {
	files  int
	memory int64 // resident, in bytes
}

func footprint(pid int) (s size, err error) {
	if s.files, err = machine.OpenFiles(pid); err == nil {
		s.memory, err = machine.ResidentMemory(pid)
	}
	return s, err
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }
