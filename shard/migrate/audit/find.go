package audit

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gomodule/redigo/redis"
)

// Key is a key on a server that does not own it.
type Key struct {
	Name     []byte
	Database int
	Shard    string // on whose server it is; the first of them, where it has several
	Owner    string // whose it is

	from, to int // servers
}

// Report is what Find found.
type Report struct {
	Keys      int64 // looked at
	Misplaced int64
	Groups    []Group // of misplaced keys, in the order of the file
	Servers   []Scanned
	Took      time.Duration

	places [][2]int // servers and databases that misplaced keys would go to
}

// Group is the misplaced keys of one pair of shards.
type Group struct {
	Shard    string // where they are
	Node     string
	Owner    string // whose they are
	Count    int64
	Examples []Key // the first found
}

// Scanned is one server that was looked at.
type Scanned struct {
	Shard string
	Node  string // a replica with FromReplicas
	Keys  int64  // as SCAN returned them; a table that grows may have it repeat some
}

// scanned is one page of keys, with those that are misplaced.
type scanned struct {
	server int
	keys   int
	found  []Key
}

// Find scans all servers and calls found, if it is not nil, for each key that
// is on a server which does not own it: once for each, though SCAN may repeat
// keys. It remembers hashes of the last few millions for that, 100 MiB at most.
//
// A key that is there from beginning to end is found; one that comes or goes
// meanwhile may or may not be. The first server that fails ends it, with an
// *Error.
func (a *Auditor) Find(ctx context.Context, found func(Key)) (*Report, error) {
	return a.look(ctx, &pace{rate: a.opt.KeysPerSecond}, a.opt.Progress, func(k Key) error {
		if found != nil {
			found(k)
		}
		return nil
	})
}

// look is Find with a pace that others share. An error of found ends it.
func (a *Auditor) look(ctx context.Context, limit *pace, tell func(Progress), found func(Key) error) (*Report, error) {
	began := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pages := make(chan scanned, 4*a.opt.Scanners)
	ended := make(chan error, 1)
	go func() {
		ended <- inParallel(ctx, len(a.servers), a.opt.Scanners, func(ctx context.Context, i int) error {
			return a.scan(ctx, i, limit, pages)
		})
		close(pages)
	}()

	r := &Report{}
	var known []*seen // by server
	for _, s := range a.servers {
		r.Servers = append(r.Servers, Scanned{Shard: s.name, Node: s.scan.String()})
		known = append(known, newSeen(seenHashes/2/len(a.servers)))
	}
	groups, places := map[[2]string]*Group{}, map[[2]int]bool{}
	progress := Progress{Phase: Finding, Total: a.total()}
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	var refused error // by found
	for open := true; open; {
		var p scanned
		select {
		case p, open = <-pages:
		case <-tick.C:
			tell(progress)
			continue
		}
		if !open {
			break
		}
		if refused != nil {
			continue // until all scans have ended
		}
		r.Servers[p.server].Keys += int64(p.keys)
		r.Keys += int64(p.keys)
		for _, k := range p.found {
			if known[p.server].again(k.Database, k.Name) {
				continue
			}
			r.Misplaced++
			a.group(groups, k)
			places[[2]int{k.to, k.Database}] = true
			if refused = found(k); refused != nil {
				cancel()
				break
			}
		}
		progress.Done, progress.Found = r.Keys, r.Misplaced
	}
	if err := cmp.Or(refused, <-ended); err != nil {
		return nil, err
	}
	tell(progress)
	r.Groups = a.sorted(groups)
	r.places = slices.Collect(maps.Keys(places))
	r.Took = time.Since(began)
	return r, nil
}

func (a *Auditor) group(groups map[[2]string]*Group, k Key) {
	pair := [2]string{k.Shard, k.Owner}
	g := groups[pair]
	if g == nil {
		g = &Group{Shard: k.Shard, Node: a.servers[k.from].node.String(), Owner: k.Owner}
		groups[pair] = g
	}
	g.Count++
	if len(g.Examples) < a.opt.Examples {
		g.Examples = append(g.Examples, k)
	}
}

// sorted puts the groups into the order of the file.
func (a *Auditor) sorted(groups map[[2]string]*Group) []Group {
	place := map[string]int{}
	for i := range a.at {
		place[a.ring.Name(i)] = i
	}
	var all []Group
	for _, g := range groups {
		all = append(all, *g)
	}
	slices.SortFunc(all, func(x, y Group) int {
		return cmp.Or(cmp.Compare(place[x.Shard], place[y.Shard]), cmp.Compare(place[x.Owner], place[y.Owner]))
	})
	return all
}

// scan looks at all keys of one server.
func (a *Auditor) scan(ctx context.Context, i int, limit *pace, pages chan<- scanned) error {
	s := a.servers[i]
	fail := func(err error) error { return &Error{s.name, s.scan.String(), cmp.Or(ctx.Err(), err)} }
	c, now, err := a.again(ctx, s, s.scan)
	if err != nil {
		return err
	}
	defer c.Close()
	// A page that never comes is not waited for.
	defer context.AfterFunc(ctx, func() { c.Close() })()
	for _, db := range a.databases(now) {
		if err := c.use(db); err != nil {
			return fail(err)
		}
		err := c.pages(ctx, limit, func(keys []any) error {
			p := scanned{server: i, keys: len(keys)}
			for _, k := range keys {
				name, ok := k.([]byte)
				if !ok {
					return fmt.Errorf("SCAN returned %T among keys", k)
				}
				owner := a.ring.Owner(name)
				if a.at[owner] != i && string(name) != ClaimKey {
					p.found = append(p.found, Key{
						Name: bytes.Clone(name), Database: db, Shard: s.name, Owner: a.ring.Name(owner), from: i, to: a.at[owner],
					})
				}
			}
			select {
			case pages <- p:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if err != nil {
			return fail(err)
		}
	}
	return nil
}

// errEnough is returned by a callback of pages that wants no more.
var errEnough = errors.New("enough keys")

// pages calls each for every page of keys of the selected database. The next
// page is on its way meanwhile.
func (l *link) pages(ctx context.Context, limit *pace, each func(keys []any) error) error {
	count := limit.page()
	next := func(cursor []byte) error {
		if err := limit.wait(ctx, count); err != nil {
			return err
		}
		if err := l.Send("SCAN", cursor, "COUNT", count); err != nil {
			return err
		}
		return l.Flush()
	}
	if err := next([]byte("0")); err != nil {
		return err
	}
	for {
		reply, err := redis.Values(l.Receive())
		if err != nil {
			return fmt.Errorf("SCAN: %w", err)
		}
		if len(reply) != 2 {
			return fmt.Errorf("SCAN returned %d elements, want a cursor and keys", len(reply))
		}
		cursor, err := redis.Bytes(reply[0], nil)
		if err != nil {
			return fmt.Errorf("SCAN: cursor: %w", err)
		}
		keys, err := redis.Values(reply[1], nil)
		if err != nil {
			return fmt.Errorf("SCAN: keys: %w", err)
		}
		last := string(cursor) == "0"
		if !last {
			if err := next(cursor); err != nil {
				return err
			}
		}
		if err := each(keys); err != nil {
			if errors.Is(err, errEnough) && !last {
				_, lost := l.Receive() // for nobody; the connection goes on
				err = cmp.Or(lost, err)
			}
			return err
		}
		if last {
			return nil
		}
	}
}
