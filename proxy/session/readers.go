package session

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/config"
)

// replicaConns are a lane's connections to the nodes that answer what only reads, where that
// need not be the primary: one to each replica.
type replicaConns struct {
	byNode map[nodeKey]*backend.Conn
	shards []choice // by shard; nil: nobody has asked for replicas
}

// choice is who may answer reads of a shard. Each list has those alone that may be read
// now, and under balance: same_zone those of the proxy's zone alone, if there are any.
type choice struct {
	replicas []*reader
	nearest  []*reader // whose answers to probes take little longer than the fastest's
	any      []*reader // with the primary
	turn     int
}

// reader is one of them.
type reader struct {
	conn    *backend.Conn // the primary's is nil: a session has its own way to it
	zone    string
	weight  int
	credit  int // of a weighted round robin
	latency time.Duration
}

// near is how much slower than the fastest a node may answer and still be as near.
const near = 1.25

// spread makes the lane's readers those of the snapshot.
func (p *Pool) spread(l *lane) {
	old := l.replicas.byNode
	l.replicas = replicaConns{byNode: map[nodeKey]*backend.Conn{}}
	if p.spreads {
		l.replicas.shards = make([]choice, len(p.snap.Shards))
		for i := range p.snap.Shards {
			l.replicas.shards[i] = p.choice(l, i, old)
		}
	}
	for _, k := range inOrder(old) {
		if c := old[k]; l.replicas.byNode[k] != c {
			delete(p.replicas, c)
			p.retire([]*backend.Conn{c})
		}
	}
}

// choice returns who may answer reads of a shard. Connections to nodes that stay are
// taken from old.
func (p *Pool) choice(l *lane, shard int, old map[nodeKey]*backend.Conn) choice {
	sh := &p.snap.Shards[shard]
	var ch choice
	for _, r := range sh.Replicas {
		k := nodeKey{sh.Name, r.Node}
		c := old[k]
		if c == nil && r.Readable {
			c = p.newConn(l, k, false)
			p.replicas[c] = struct{}{}
		}
		if c == nil {
			continue
		}
		l.replicas.byNode[k] = c
		c.Doubtful(!r.Readable, p.core.now)
		c.Fallback = nil
		if p.cfg.ReadFrom != config.OnlyReplica {
			c.Fallback = l.conns[shard*p.each]
		}
		if r.Readable {
			ch.replicas = append(ch.replicas, &reader{conn: c, zone: r.Zone, weight: max(1, r.Weight), latency: r.Latency})
		}
	}
	if p.cfg.ReadFrom == config.OnlyReplica && len(ch.replicas) > 1 {
		for i, r := range ch.replicas {
			r.conn.Fallback = ch.replicas[(i+1)%len(ch.replicas)].conn
		}
	}
	ch.any = append(slices.Clone(ch.replicas), &reader{zone: sh.Zone, weight: 1, latency: sh.Latency})
	ch.nearest = nearest(ch.any)
	if p.cfg.Balance == config.SameZone {
		for _, list := range [...]*[]*reader{&ch.replicas, &ch.nearest, &ch.any} {
			*list = ofZone(*list, p.shared.Zone)
		}
	}
	return ch
}

// nearest returns those that answer about as fast as the fastest; who has not been
// measured is far.
func nearest(all []*reader) []*reader {
	best := time.Duration(0)
	for _, r := range all {
		if r.latency > 0 && (best == 0 || r.latency < best) {
			best = r.latency
		}
	}
	if best == 0 {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(r *reader) bool {
		return r.latency == 0 || float64(r.latency) > near*float64(best)
	})
}

// ofZone returns those of a zone, all if none is.
func ofZone(all []*reader, zone string) []*reader {
	here := slices.DeleteFunc(slices.Clone(all), func(r *reader) bool { return r.zone != zone })
	if zone == "" || len(here) == 0 {
		return all
	}
	return here
}

// readsFrom returns which nodes answer what the session reads.
func (s *Session) readsFrom() config.ReadFrom {
	switch from := s.pool.cfg.ReadFrom; {
	case s.reads == readsPrimary:
		return config.Primary
	case s.reads == readsReplica && from == config.Primary:
		return config.PreferReplica
	default:
		return from
	}
}

// reads is what a session says of where it reads.
type reads uint8

const (
	readsAsPool  reads = iota
	readsPrimary       // READWRITE
	readsReplica       // READONLY
)

// readOnly takes READONLY, as clients of Redis Cluster say it, and READWRITE.
func (s *Session) readOnly(dst []byte, cmd *command.Command, _ *arguments) []byte {
	s.reads = readsPrimary
	if cmd.Name == "readonly" {
		s.reads = readsReplica
		if p := s.pool; !p.spreads {
			p.spreads, p.asked = true, true
			for _, l := range p.lanes {
				p.spread(l)
			}
		}
	}
	return append(dst, okReply...)
}

// way returns the connection on which a call goes to a shard: what only reads may go to a
// replica, where the session has none of its own. picked: any other would do.
func (s *Session) way(shard int, call *backend.Call) (conn *backend.Conn, picked bool, err *backend.Error) {
	if !s.pool.spreads || !call.ReadOnly || call.Script || scans(s.last) || s.private != nil && s.ownConn(shard) != nil || s.wroteLately(shard) {
		return s.conn(shard), false, nil
	}
	ch := &s.lane.replicas.shards[shard]
	list := ch.replicas
	from := s.readsFrom()
	switch from {
	case config.Primary:
		return s.conn(shard), false, nil
	case config.Nearest:
		list = ch.nearest
	case config.Any:
		list = ch.any
	}
	r := s.core.pick(list, s.pool.cfg.Balance, &ch.turn)
	switch {
	case r != nil && r.conn != nil:
		return r.conn, true, nil
	case r != nil || from != config.OnlyReplica:
		return s.conn(shard), r != nil, nil
	case len(list) > 0:
		return list[0].conn, false, nil // which says what is wrong with it
	}
	sh := &s.pool.snap.Shards[shard]
	return s.conn(shard), false, &backend.Error{Kind: backend.Down, Shard: sh.Name, Node: sh.Primary.Addr, Err: errNoReplica}
}

// scans reports whether a command has a cursor, which means something to the node alone
// that gave it.
func scans(cmd *command.Command) bool { return strings.HasSuffix(cmd.Name, "scan") }

var errNoReplica = errors.New("none of its replicas may be read from (read_from: replica)")

// pick returns one of those whose connection is not known to be of no use now, or nil.
func (c *Core) pick(list []*reader, how config.Balance, turn *int) *reader {
	if how == config.RoundRobin {
		for range list {
			*turn++
			if r := list[*turn%len(list)]; r.usable() {
				return r
			}
		}
		return nil
	}
	if how == config.Weighted {
		return pickWeighted(list)
	}
	// Of two at random, who has less to do.
	var best *reader
	n := len(list)
	for range min(n, 2) {
		if r := list[c.rand.IntN(n)]; r.usable() && (best == nil || r.load() < best.load()) {
			best = r
		}
	}
	for i := 0; best == nil && i < n; i++ {
		if list[i].usable() {
			best = list[i]
		}
	}
	return best
}

// pickWeighted is the smooth weighted round robin of nginx.
func pickWeighted(list []*reader) *reader {
	var best *reader
	total := 0
	for _, r := range list {
		if !r.usable() {
			continue
		}
		r.credit += r.weight
		total += r.weight
		if best == nil || r.credit > best.credit {
			best = r
		}
	}
	if best != nil {
		best.credit -= total
	}
	return best
}

// usable reports whether the node could be reached when it was last tried.
func (r *reader) usable() bool {
	if r.conn == nil {
		return true
	}
	switch r.conn.State() {
	case backend.Waiting, backend.Closing, backend.Retired:
		return false
	}
	return !r.conn.Full()
}

// load is how much it has to do; the primary, of which the reads are not all, as if it had
// nothing.
func (r *reader) load() int {
	if r.conn == nil {
		return 0
	}
	return r.conn.InFlight()
}

// noteWrite remembers when the session wrote to a shard, -1 for all.
func (s *Session) noteWrite(shard int) {
	if n := len(s.pool.snap.Shards); len(s.writes) != n {
		s.writes = make([]int64, n)
	}
	for i := range s.writes {
		if shard < 0 || i == shard {
			s.writes[i] = s.core.now
		}
	}
}

// wroteLately reports whether what the session reads of a shard has to be what it wrote.
func (s *Session) wroteLately(shard int) bool {
	return shard < len(s.writes) && s.writes[shard] != 0 && s.core.now-s.writes[shard] < int64(s.pool.cfg.ReadYourWrites)
}

// all yields the connections of a lane that sessions share, and their shards.
func (l *lane) all(yield func(shard int, c *backend.Conn) bool) {
	for i, c := range l.conns {
		if !yield(i/l.pool.each, c) {
			return
		}
	}
	for i, sh := range l.pool.snap.Shards {
		for _, r := range sh.Replicas {
			if c := l.replicas.byNode[nodeKey{sh.Name, r.Node}]; c != nil && !yield(i, c) {
				return
			}
		}
	}
}
