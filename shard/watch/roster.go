package watch

import (
	"slices"

	"github.com/shardring/shardring/shard/topology"
)

// maxSentinels bounds what the Sentinels' word on each other is taken for.
const maxSentinels = 64

// roster is which Sentinels there are: the listed ones, and those they tell of. It
// belongs to the goroutine of Watcher.Run.
type roster struct {
	known map[topology.Node]*member
}

type member struct {
	listed  bool
	answers bool            // it answered last time
	reached string          // the address it is reached at, where that is another
	names   []topology.Node // whom it told of
}

func newRoster(listed []topology.Node) *roster {
	r := &roster{known: map[topology.Node]*member{}}
	for _, n := range listed {
		r.known[n] = &member{listed: true}
	}
	return r
}

// heard takes a Sentinel's answer. It returns those that are new, and those that
// are of no use any more: they do not answer and no one who answers names them.
func (r *roster) heard(v verdict) (come, gone []topology.Node) {
	m := r.known[v.sentinel]
	if m == nil {
		return nil, nil
	}
	if m.answers = v.err == nil; m.answers {
		m.names, m.reached = v.others, v.reached
		if m.listed {
			// It may have been found by its address before.
			twin := topology.Node{Network: "tcp", Addr: v.reached}
			if o := r.known[twin]; o != nil && o != m && !o.listed {
				delete(r.known, twin)
				gone = append(gone, twin)
			}
		}
	}
	for _, n := range m.names {
		if m.answers && r.known[n] == nil && len(r.known) < maxSentinels && !r.reaches(n) {
			r.known[n] = &member{}
			come = append(come, n)
		}
	}
	for n, o := range r.known {
		if !o.listed && !o.answers && !r.named(n) && !slices.Contains(come, n) {
			delete(r.known, n)
			gone = append(gone, n)
		}
	}
	return come, gone
}

// reaches says that a listed Sentinel is the one at this address.
func (r *roster) reaches(n topology.Node) bool {
	for _, m := range r.known {
		if m.reached == n.Addr {
			return true
		}
	}
	return false
}

func (r *roster) named(n topology.Node) bool {
	for _, m := range r.known {
		if m.answers && slices.Contains(m.names, n) {
			return true
		}
	}
	return false
}
