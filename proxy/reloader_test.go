package proxy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shardring/shardring/proxy"
	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/config"
)

// reloader is a proxy in this process whose file can change.
type reloader struct {
	serving
	t    *testing.T
	p    *proxy.Proxy
	path string
	log  *lockedBuffer
}

// lockedBuffer may be written and read at once.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// reloads runs a proxy with two loops and an admin's address until the test ends.
// process are further lines below shardproxy:.
func reloads(t *testing.T, d engine.Driver, pools string, process ...string) *reloader {
	t.Helper()
	r := &reloader{t: t, path: filepath.Join(t.TempDir(), "pools.yml"), log: &lockedBuffer{}}
	r.write(pools, process...)
	file, err := config.Load(r.path)
	if err != nil {
		t.Fatal(err)
	}
	r.p, err = proxy.New(file, proxy.Options{Driver: d, Loops: 2, Grace: 2 * time.Second, Log: slog.New(slog.NewTextHandler(r.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.p.Run(ctx) }()
	r.stop = sync.OnceValue(func() time.Duration {
		began := time.Now()
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("run: %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("run has not returned 20 s after its context was done")
		}
		return time.Since(began)
	})
	t.Cleanup(func() { r.stop() })
	r.network, r.addr = r.p.Addr(0).Network(), r.p.Addr(0).String()
	return r
}

// write makes the file another one, at once.
func (r *reloader) write(pools string, process ...string) {
	r.t.Helper()
	text := "shardproxy:\n  admin: 127.0.0.1:0\n"
	for _, l := range process {
		text += "  " + l + "\n"
	}
	if err := os.WriteFile(r.path+".new", []byte(text+pools), 0o600); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Rename(r.path+".new", r.path); err != nil {
		r.t.Fatal(err)
	}
}

// said is the answer to a POST /reload.
type said struct {
	status   int
	Epoch    int
	Loops    []int
	Changes  []string
	Restart  []string `json:"needs_restart"`
	Moved    []config.MovedError
	Error    string
	Problems []struct {
		Line, Column int
		Message      string
	}
}

func (r *reloader) url(path string) string { return "http://" + r.p.AdminAddr().String() + path }

// post has the proxy read its file again.
func (r *reloader) post(query string) (s said) {
	r.t.Helper()
	resp, err := http.Post(r.url("/reload"+query), "", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if err := json.Unmarshal(body, &s); err != nil {
		r.t.Fatalf("%s: %v", body, err)
	}
	s.status = resp.StatusCode
	return s
}

// take has the proxy take a file, which must do.
func (r *reloader) take(pools string, process ...string) said {
	r.t.Helper()
	r.write(pools, process...)
	s := r.post("")
	if s.status != http.StatusOK {
		r.t.Fatalf("status %d: %s", s.status, s.Error)
	}
	for _, l := range s.Loops {
		if l != s.Epoch || len(s.Loops) != 2 {
			r.t.Fatalf("epoch %d, loops serve %v", s.Epoch, s.Loops)
		}
	}
	return s
}

// get returns a page of the admin's.
func (r *reloader) get(path string) string {
	r.t.Helper()
	resp, err := http.Get(r.url(path))
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		r.t.Fatalf("GET %s: %s, %v", path, resp.Status, err)
	}
	return string(body)
}

// free returns an address that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// wantText fails unless text holds all parts.
func wantText(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is not in %q", p, text)
		}
	}
}

// onePool is a file with a pool of this name over addresses.
func onePool(name, listen string, addrs []string, lines ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:\n  redis: true\n  listen: %s\n", name, listen)
	for _, l := range lines {
		fmt.Fprintf(&b, "  %s\n", l)
	}
	b.WriteString("  shards:\n")
	for i, a := range addrs {
		fmt.Fprintf(&b, "    - {name: %s, primary: %q}\n", names[i], a)
	}
	return b.String()
}
