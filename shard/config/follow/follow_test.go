package follow

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// following collects what a file is told to hold.
type following struct {
	t    *testing.T
	told chan string
}

func follow(t *testing.T, path string) *following {
	t.Helper()
	f := &following{t, make(chan string, 100)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		File(ctx, path, func(data []byte) { f.told <- string(data) })
	}()
	t.Cleanup(func() { cancel(); <-done })
	return f
}

// want wants this to be the next that is told, soon enough to have been noticed and
// not found by looking.
func (f *following) want(content string) {
	f.t.Helper()
	began := time.Now()
	select {
	case got := <-f.told:
		if got != content {
			f.t.Fatalf("told %q, want %q", got, content)
		}
		f.t.Logf("%q after %v", content, time.Since(began).Round(time.Millisecond))
	case <-time.After(10 * time.Second):
		f.t.Fatalf("nothing told, want %q", content)
	}
}

// quiet wants nothing to be told for a while.
func (f *following) quiet(d time.Duration) {
	f.t.Helper()
	select {
	case got := <-f.told:
		f.t.Fatalf("told %q, want nothing", got)
	case <-time.After(d):
	}
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestWays: every way in which editors and deployments change a file.
func TestWays(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "pools.yml")
	put(t, path, "one")
	f := follow(t, path)
	f.want("one")

	put(t, path, "two") // in place
	f.want("two")

	put(t, path+".new", "three")
	check(t, os.Rename(path+".new", path))
	f.want("three")

	check(t, os.Remove(path)) // and then anew
	f.quiet(2 * rest)
	put(t, path, "four")
	f.want("four")

	put(t, path, "four") // the same
	put(t, filepath.Join(dir, "other.yml"), "x")
	f.quiet(2 * rest)

	put(t, path, "five") // and back before anybody could believe it
	time.Sleep(rest / 3)
	put(t, path, "four")
	f.quiet(2 * rest)
}

// TestHalfWritten: a file that is written piece by piece is told when it is whole.
func TestHalfWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pools.yml")
	put(t, path, "old")
	f := follow(t, path)
	f.want("old")
	file, err := os.Create(path)
	check(t, err)
	defer file.Close()
	for range 30 {
		_, err := file.WriteString("a line\n")
		check(t, err)
		time.Sleep(rest / 10)
	}
	f.want(strings.Repeat("a line\n", 30))
}

// TestBusyDirectory: what else happens beside the file holds nothing up.
func TestBusyDirectory(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "pools.yml")
	put(t, path, "one")
	f := follow(t, path)
	f.want("one")
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(rest / 20):
				_ = os.WriteFile(filepath.Join(dir, "log"), []byte("x"), 0o644)
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	put(t, path, "two")
	select {
	case got := <-f.told:
		if got != "two" {
			t.Errorf("told %q", got)
		}
	case <-time.After(look + 3*rest):
		t.Error("not told beside a file that is written without pause")
	}
}

// TestConfigMap: as the kubelet does it, a new directory and one link that is renamed
// over the old.
func TestConfigMap(t *testing.T) {
	dir := t.TempDir()
	version := func(name, content string) {
		check(t, os.Mkdir(filepath.Join(dir, name), 0o755))
		put(t, filepath.Join(dir, name, "pools.yml"), content)
		check(t, os.Symlink(name, filepath.Join(dir, "..data_tmp")))
		check(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	}
	version("..1", "one")
	path := filepath.Join(dir, "pools.yml")
	check(t, os.Symlink("..data/pools.yml", path))
	f := follow(t, path)
	f.want("one")
	for i, content := range []string{"two", "three", "four"} {
		version(".."+string(rune('2'+i)), content)
		check(t, os.RemoveAll(filepath.Join(dir, ".."+string(rune('1'+i)))))
		f.want(content)
	}
	if got := directories(path); !slices.Contains(got, dir) {
		t.Errorf("directories %q, want %s among them", got, dir)
	}
}

// TestLinkElsewhere: a link to a file in another directory, which is changed there.
func TestLinkElsewhere(t *testing.T) {
	here, there := t.TempDir(), t.TempDir()
	path := filepath.Join(here, "pools.yml")
	put(t, filepath.Join(there, "real.yml"), "one")
	check(t, os.Symlink(filepath.Join(there, "real.yml"), path))
	f := follow(t, path)
	f.want("one")
	put(t, filepath.Join(there, "real.yml"), "two")
	f.want("two")
}

// TestMissing: a file that is not there yet, nor its directory.
func TestMissing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	path := filepath.Join(dir, "pools.yml")
	f := follow(t, path)
	f.quiet(rest)
	check(t, os.Mkdir(dir, 0o755))
	put(t, path, "one")
	f.want("one") // found by looking
	check(t, os.RemoveAll(dir))
	f.quiet(look + rest)
	check(t, os.Mkdir(dir, 0o755))
	put(t, path, "two")
	f.want("two")
}
