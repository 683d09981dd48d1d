package watch

import "time"

// ejected are the shards of a cache whose time is up and whose primary has been
// asked whether it is back, by name and since when.
type ejected map[string]time.Time

// askEjected has the primaries of ejected shards probed whose time is up.
func (w *Watcher) askEjected(now time.Time) {
	if !w.topo.Due(now) {
		return
	}
	if w.ejected == nil {
		w.ejected = ejected{}
	}
	for _, name := range w.topo.DueShards(now) {
		t := w.byShard[name]
		if _, asked := w.ejected[name]; asked || t == nil {
			continue
		}
		w.ejected[name] = now
		if p := w.probers[name][t.present]; p != nil {
			p.ask()
		}
	}
}

// readmit lets an ejected shard back in whose primary has answered, and keeps it out
// for another while if it has not.
func (w *Watcher) readmit(t *tracker, r report) {
	since, asked := w.ejected[t.shard]
	if !asked || r.node != t.present || r.asked.Before(since) {
		return
	}
	delete(w.ejected, t.shard)
	if r.err != nil || !r.serving {
		w.topo.Extend(t.shard, r.at)
		return
	}
	if w.topo.Readmit(t.shard, r.at) {
		w.news()
		w.log.Info("shard is back", "shard", t.shard, "node", r.node.Addr)
	}
}
