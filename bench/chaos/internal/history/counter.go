package history

import "sync"

// Counter is a key that any number of writers INCRement and anybody GETs.
type Counter struct {
	Key   string
	shard *Shard

	mu     sync.Mutex // protects the following fields
	base   int64      // what the last audit found
	late   int64      // those of unknown outcome before it: they may still be executed
	begun  int64      // since the last audit, as the next two
	failed int64
	acked  int64
	high   int64 // the highest value that an answer told
	missed int64 // by how much an answer was found too small
}

// Counter adds a key.
func (s *Shard) Counter(key string) *Counter { return &Counter{Key: key, shard: s} }

// Count is what an answer must not fall behind, to be taken before the request is sent.
type Count struct {
	low int64
	old bool
}

// Begin begins one INCR.
func (c *Counter) Begin() Count {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.reading(false)
	c.begun++
	return before
}

// End tells what became of the INCR that began with before; value is the reply of
// one that was acknowledged.
func (c *Counter) End(before Count, o Outcome, value int64) {
	c.shard.history.ended(o)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch o {
	case Failed:
		c.failed++
		return
	case Unknown:
		return
	}
	before.old = c.shard.lossy() // an older primary must not have taken it
	c.judge(before, value, value > before.low)
	c.acked++
}

// Reading begins a GET; see Register.Reading.
func (c *Counter) Reading(old bool) Count {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reading(old)
}

// Read judges the answer to a GET; no value is 0.
func (c *Counter) Read(before Count, value int64) {
	c.shard.history.reads.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	before.old = before.old || c.shard.older()
	c.judge(before, value, value >= before.low)
}

// Audit judges what the server holds while nobody writes, and goes on from there.
func (c *Counter) Audit(value int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	low := c.base + c.acked
	if value > c.most() {
		c.shard.Wrong(Twice, c.Key, "holds %d, at most %d were executed", value, c.most())
	}
	if value < low {
		c.shard.missing(c.Key, int(low-value), "holds %d, %d were acknowledged", value, low)
	}
	c.late += c.begun - c.failed - c.acked
	c.base, c.high, c.begun, c.failed, c.acked, c.missed = value, value, 0, 0, 0, 0
}

// reading and the following hold the mutex.
func (c *Counter) reading(old bool) Count {
	return Count{max(c.high, c.base+c.acked-c.missed), old || c.shard.older()}
}

// most is the value if all was executed that may have been.
func (c *Counter) most() int64 { return c.base + c.late + c.begun - c.failed }

func (c *Counter) judge(before Count, value int64, enough bool) {
	switch {
	case value > c.most():
		c.shard.Wrong(Twice, c.Key, "got %d, at most %d were executed", value, c.most())
	case enough:
		if c.shard.binds() {
			c.high = max(c.high, value)
		}
	case before.old:
		c.shard.history.older.Add(1)
	default:
		c.missed = max(c.missed, c.base+c.acked+1-value) // what is gone is reported once
		c.high = value
		c.shard.Wrong(Stale, c.Key, "got %d, %d had been acknowledged or read", value, before.low)
	}
}
