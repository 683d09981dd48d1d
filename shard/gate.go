package shard

import "sync/atomic"

// gate counts those who are inside and can be shut to newcomers. The zero
// value is open.
type gate struct {
	inside atomic.Int64
	closed atomic.Bool
	empty  atomic.Pointer[chan struct{}] // set before closed; holds a token after the last has left
}

// enter reports whether the gate is open; who has entered must leave.
func (g *gate) enter() bool {
	g.inside.Add(1)
	if g.closed.Load() {
		g.leave()
		return false
	}
	return true
}

func (g *gate) leave() {
	if g.inside.Add(-1) == 0 && g.closed.Load() {
		select {
		case *g.empty.Load() <- struct{}{}:
		default:
		}
	}
}

// shut lets nobody in any more. It is called once.
func (g *gate) shut() {
	empty := make(chan struct{}, 1)
	g.empty.Store(&empty)
	g.closed.Store(true)
}

// wait returns when nobody is inside a gate that is shut.
func (g *gate) wait() {
	for g.inside.Load() > 0 {
		<-*g.empty.Load()
	}
}
