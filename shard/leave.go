package shard

import (
	"errors"
	"slices"
	"time"
)

// leaveWithin is how long a node that lost its place has to answer what is under way. One
// that went away without a word would keep it for Config.Timeout.
const leaveWithin = 500 * time.Millisecond

// errLeft is why the connection to such a node is given up.
var errLeft = errors.New("the node lost its place, and did not answer in time")

// leave has the nodes left that served in the old view and do not in the new one:
// primaries that were replaced, and replicas that may not be read from any more. mu is
// held.
func (c *Client) leave(old, now *view) {
	for i := range old.readers {
		for _, l := range old.readers[i].known {
			if c.serves(now, l) || l.serving() == nil {
				continue
			}
			c.watcher.Go(func() { c.left(l) })
		}
	}
}

// serves reports whether a view uses a link.
func (c *Client) serves(v *view, l *link) bool {
	for i := range v.readers {
		if slices.Contains(v.readers[i].known, l) {
			return true
		}
	}
	return false
}

// left gives up what is still under way over a link, when its time is over. What only
// reads is asked of another node then.
func (c *Client) left(l *link) {
	line := l.serving()
	t := time.NewTimer(leaveWithin)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.life.Done():
		return
	}
	if v := c.view.Load(); line == nil || c.serves(v, l) {
		return
	}
	if l.line.CompareAndSwap(line, nil) {
		line.Break(errLeft)
	}
}
