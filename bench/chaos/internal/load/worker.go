package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/shardring/shardring/bench/chaos/internal/history"
)

// worker is one client. All but stats belongs to its goroutine.
type worker struct {
	load   *Load
	number int
	where  int // its shard, or All
	caller caller
	random *rand.Rand
	stats  *stats

	registers []*history.Register // its own; of one who asks All, one on each shard
	counter   *history.Counter
	list      *series
	lists     int // how many lists the series has had
	echoes    int
	epoch     int32
}

// newWorker makes a worker and its keys.
func (l *Load) newWorker(way Way, where int) *worker {
	w := &worker{load: l, number: len(l.workers), where: where}
	w.random = rand.New(rand.NewPCG(uint64(w.number), 1))
	w.stats = newStats(way, where)
	switch way {
	case ByProxy:
		w.caller = &session{addr: l.spec.Proxy, timeout: l.spec.Timeout}
	case ByLibrary:
		w.caller = &library{client: l.client}
	}
	register := func(i, where, size int) {
		k := l.shards[where]
		r := k.history.Register(l.owned(fmt.Sprintf("r:%d:%d", w.number, i), where), size)
		w.registers = append(w.registers, r)
		k.registers = append(k.registers, r)
	}
	if where == All {
		for i := range l.shards {
			register(i, i, 60)
		}
		return w
	}
	k := l.shards[where]
	register(0, where, 30)
	register(1, where, 1500)
	w.counter = k.history.Counter(l.owned(fmt.Sprintf("c:%d", w.number), where))
	k.counters = append(k.counters, w.counter)
	if len(k.counters) == 1 {
		k.counters = append(k.counters, k.history.Counter(l.owned("c:all", where)))
	}
	w.list = &series{}
	w.nextList()
	k.lists = append(k.lists, w.list)
	return w
}

// newControl makes a worker who asks one server that nothing happens to: what slows
// it is the machine.
func (l *Load) newControl() *worker {
	w := &worker{load: l, number: len(l.workers), where: All, stats: newStats(Direct, All)}
	w.random = rand.New(rand.NewPCG(uint64(w.number), 1))
	w.caller = &session{addr: l.spec.Control, timeout: l.spec.Timeout}
	return w
}

func (w *worker) nextList() {
	w.lists++
	key := w.load.owned(fmt.Sprintf("l:%d:%d", w.number, w.lists), w.where)
	w.list.begin(w.load.shards[w.where].history.List(key))
}

func pick[T any](w *worker, from []T) T { return from[w.random.IntN(len(from))] }

// run asks until ctx ends.
func (w *worker) run(ctx context.Context) {
	defer w.caller.close()
	think := time.NewTimer(0)
	defer think.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-think.C:
		}
		w.turn()
		pause := time.Duration(0)
		if w.load.spec.Think > 0 {
			pause = time.Duration(w.random.Int64N(int64(2 * w.load.spec.Think)))
		}
		think.Reset(pause)
	}
}

// turn sends one pipeline and judges what comes back.
func (w *worker) turn() {
	w.load.gate.RLock()
	defer w.load.gate.RUnlock()
	if epoch := w.load.epoch.Load(); epoch != w.epoch {
		w.epoch = epoch
		w.stats.awake(time.Now())
	}
	batch := make([]request, 1+w.random.IntN(w.load.spec.Depth))
	for i := range batch {
		batch[i] = w.next()
	}
	begun := time.Now()
	replies := w.caller.call(batch)
	phase := w.load.phase.Load() // what was under way when a fault began is the fault's
	outcomes, written := make([]history.Outcome, len(batch)), []string(nil)
	for i, r := range replies {
		outcomes[i] = outcome(batch[i], r.err)
		w.stats.answered(phase, begun, r, len(batch[i].keys) > 0)
		if r.err == nil {
			written = append(written, batch[i].keys...)
		}
	}
	if w.load.spec.Durable > 0 && len(written) > 0 {
		w.confirm(batch, outcomes, written)
	}
	for i, r := range batch {
		if len(r.keys) > 0 || replies[i].err == nil {
			r.ended(outcomes[i], replies[i].value)
		}
	}
}

// confirm takes back the acknowledgement of writes that too few replicas have.
func (w *worker) confirm(batch []request, outcomes []history.Outcome, written []string) {
	have, err := w.caller.wait(w.load.spec.Durable, written)
	if err == nil && have >= w.load.spec.Durable {
		return
	}
	for i := range batch {
		if len(batch[i].keys) > 0 && outcomes[i] == history.Acked {
			outcomes[i] = history.Unknown
		}
	}
}

// next chooses a request.
func (w *worker) next() request {
	dice := w.random.IntN(100)
	if w.where == All {
		switch {
		case dice < 10, w.stats.way == Direct:
			return w.echo()
		case dice < 40:
			return w.setAll()
		}
		return w.getAll()
	}
	k := w.load.shards[w.where]
	switch {
	case dice < 25:
		return w.set(k, pick(w, w.registers))
	case dice < 33:
		return w.incr(k, w.counter)
	case dice < 40:
		return w.incr(k, k.counters[1]) // everybody's
	case dice < 50:
		l := w.list.now.Load()
		if l.Len() >= listLength {
			w.nextList()
			l = w.list.now.Load()
		}
		return w.push(k, l)
	case dice < 80:
		return w.get(k, pick(w, k.registers))
	case dice < 90:
		return w.count(k, pick(w, k.counters))
	}
	return w.tail(k, pick(w, k.lists).now.Load())
}
