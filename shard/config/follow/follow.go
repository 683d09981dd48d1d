// Package follow tells when a configuration file has changed and come to rest.
//
//	err := follow.File(ctx, "pools.yml", func(data []byte) { … }) // until ctx is done
//
// It sees a file that is written in place, one that is renamed over the old, and the
// symbolic links of a Kubernetes ConfigMap, whose files all change with one link. A
// file that is still being written is left alone. It does not parse what it reads.
package follow

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// rest is how long a content has to stay the same until it is believed.
	rest = 150 * time.Millisecond
	// look is how often the file is read without a notification, which network
	// file systems, for one, do not send.
	look = 2 * time.Second
)

// File calls changed with the content of the file at path, and again whenever it is
// another one and has been so for a moment, until ctx is done. While there is no such
// file nothing happens. Calls are made one after another, and none is made after
// File has returned.
func File(ctx context.Context, path string, changed func(data []byte)) {
	f := &follower{path: path}
	var events chan fsnotify.Event
	var lost chan error
	// Without a watcher, of which a system has only so many, reading has to do.
	if w, err := fsnotify.NewWatcher(); err == nil {
		defer w.Close()
		f.watcher, events, lost = w, w.Events, w.Errors
	}
	var due time.Time
	now := time.NewTimer(0)
	defer now.Stop()
	in := func(d time.Duration) { // however much goes on in the directory
		if at := time.Now().Add(d); !due.After(time.Now()) || at.Before(due) {
			due = at
			now.Reset(d)
		}
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-events:
			in(rest / 3)
		case <-lost: // events that were too many: there are some
			in(rest / 3)
		case <-now.C:
			if data, ok := f.read(time.Now()); ok {
				changed(data)
			}
			due = time.Time{}
			in(f.next())
		}
	}
}

// follower is what is known of a file.
type follower struct {
	path    string
	watcher *fsnotify.Watcher // nil: none
	dirs    []string          // that it watches

	told   []byte    // the content that changed was called with last
	seen   []byte    // the content last read
	since  time.Time // when it was first read
	begun  bool      // told is one
	moving bool      // seen is not told yet
}

// read reads the file and reports whether its content is news that has come to rest.
func (f *follower) read(now time.Time) ([]byte, bool) {
	f.watch()
	data, err := os.ReadFile(f.path)
	switch {
	case err != nil:
		f.moving = false // it is between two names, or gone; it may come back
		return nil, false
	case f.begun && bytes.Equal(data, f.told):
		f.moving = false
		return nil, false
	case !f.moving || !bytes.Equal(data, f.seen):
		f.seen, f.since, f.moving = data, now, true
		return nil, false
	case now.Sub(f.since) < rest:
		return nil, false
	}
	f.told, f.begun, f.moving = data, true, false
	return data, true
}

// next returns when to read again.
func (f *follower) next() time.Duration {
	if f.moving {
		return rest / 3
	}
	return look
}

// watch watches the directories in which something changes when the file does: its
// own, and those of every link on the way to its content. A directory is watched
// anew, as it may be another one of the same name.
func (f *follower) watch() {
	if f.watcher == nil {
		return
	}
	dirs := directories(f.path)
	for _, d := range f.dirs {
		if !slices.Contains(dirs, d) {
			_ = f.watcher.Remove(d) // it may be gone already
		}
	}
	f.dirs = f.dirs[:0]
	for _, d := range dirs {
		if f.watcher.Add(d) == nil {
			f.dirs = append(f.dirs, d)
		}
	}
}

// maxLinks is how many links are followed, as by Linux.
const maxLinks = 40

// directories returns those of path and of what it links to, step by step. The links
// of directories on the way count too: of a ConfigMap's pools.yml -> ..data/pools.yml
// it is the link ..data that changes.
func directories(path string) []string {
	var dirs []string
	for range maxLinks {
		dir := filepath.Dir(path)
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
		if real, err := filepath.EvalSymlinks(dir); err == nil && real != filepath.Clean(dir) {
			if up := filepath.Dir(filepath.Clean(dir)); !slices.Contains(dirs, up) {
				dirs = append(dirs, up)
			}
		}
		to, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(dir, to)
		}
		path = to
	}
	return dirs
}
