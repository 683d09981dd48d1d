package shard

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/topology"
)

// readers are the nodes of a shard that may answer reads, by what is asked for. With
// config.Weighted a node is there as often as its turn comes; with config.SameZone only
// those of the client's zone are, if there are any.
type readers struct {
	replicas []*link
	all      []*link // and the primary
	nearest  []*link // of all, whose answers to probes take little longer than the fastest's
	turn     *atomic.Uint32
	known    []*link // of all, whatever the zone; the first is the primary's
}

// near is how much slower than the fastest a node may answer and still be as near.
const near = 1.25

// candidate is a node that may answer reads.
type candidate struct {
	*link
	topology.Replica
}

// newReaders returns the readers of a shard. link returns the link to a node.
func (c *Client) newReaders(s *topology.Shard, link func(topology.Node) *link) readers {
	r := readers{turn: new(atomic.Uint32)}
	all := []candidate{{link(s.Primary), topology.Replica{Node: s.Primary, Zone: s.Zone, Weight: 1, Latency: s.Latency}}}
	for _, n := range s.Replicas {
		if n.Readable {
			all = append(all, candidate{link(n.Node), n})
		}
	}
	for _, n := range all {
		r.known = append(r.known, n.link)
	}
	r.replicas, r.all, r.nearest = c.balanced(all[1:]), c.balanced(all), c.balanced(nearest(all))
	return r
}

// nearest returns those that answer about as fast as the fastest. Who has not been
// measured is far.
func nearest(all []candidate) []candidate {
	best := time.Duration(0)
	for _, n := range all {
		if n.Latency > 0 && (best == 0 || n.Latency < best) {
			best = n.Latency
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(n candidate) bool {
		return best > 0 && (n.Latency == 0 || float64(n.Latency) > near*float64(best))
	})
}

// balanced puts nodes into the form in which pick wants them.
func (c *Client) balanced(nodes []candidate) []*link {
	if c.cfg.Balance == config.SameZone && c.cfg.Zone != "" {
		var near []candidate
		for _, n := range nodes {
			if n.Zone == c.cfg.Zone {
				near = append(near, n)
			}
		}
		if near != nil {
			nodes = near
		}
	}
	weights := make([]int, len(nodes))
	for i, n := range nodes {
		weights[i] = 1
		if c.cfg.Balance == config.Weighted {
			weights[i] = max(1, n.Weight)
		}
	}
	var links []*link
	for _, i := range turns(weights) {
		links = append(links, nodes[i].link)
	}
	return links
}

// maxTurns bounds a round of turns: greater weights are rounded.
const maxTurns = 1000

// turns returns in which order nodes with these weights have their turns, each as often
// as its weight and spread over the round: nginx's smooth weighted round robin.
func turns(weights []int) []int {
	sum, divisor := 0, 0
	for _, w := range weights {
		sum += w
		for a, b := w, divisor; ; a, b = b, a%b {
			if b == 0 {
				divisor = a
				break
			}
		}
	}
	scaled := make([]int, len(weights))
	total := 0
	for i, w := range weights {
		if scaled[i] = w / divisor; sum/divisor > maxTurns {
			scaled[i] = max(1, int(float64(w)*maxTurns/float64(sum)))
		}
		total += scaled[i]
	}
	order := make([]int, 0, total)
	current := make([]int, len(weights))
	for range total {
		best := 0
		for i := range current {
			if current[i] += scaled[i]; current[i] > current[best] {
				best = i
			}
		}
		current[best] -= total
		order = append(order, best)
	}
	return order
}

// busy is how many calls are under way over a link.
func (l *link) busy() int64 { return l.gate.inside.Load() + l.batched.Load() }

// pick returns the link that a read goes over, another one than not; nil: no node may
// answer it.
func (c *Client) pick(v *view, shard int, from readFrom, not *link) *link {
	r := &v.readers[shard]
	among := r.all
	switch from {
	case fromPrimary:
		return other(v.links[shard], not)
	case fromReplica:
		among = r.replicas
	case fromPreferred:
		if among = r.replicas; len(among) == 0 {
			return other(v.links[shard], not)
		}
	case fromNearest:
		if among = r.nearest; len(among) == 1 && among[0] == not {
			among = r.all
		}
	}
	n := len(among)
	if n == 0 {
		return nil
	}
	switch c.cfg.Balance {
	case config.RoundRobin, config.Weighted:
		for range n {
			if l := among[int(r.turn.Add(1)-1)%n]; l != not {
				return l
			}
		}
		return nil
	}
	if n == 1 {
		return other(among[0], not)
	}
	a, b := rand.IntN(n), rand.IntN(n-1)
	if b >= a {
		b++
	}
	switch x, y := among[a], among[b]; {
	case x == not:
		return y
	case y != not && y.busy() < x.busy():
		return y
	default:
		return x
	}
}

// other returns l unless it is not.
func other(l, not *link) *link {
	if l == not {
		return nil
	}
	return l
}
