package loopsim

import (
	"container/heap"
	"math/rand/v2"
	"time"
)

const turnEvents = 512 // as many as one epoll_wait of the engine returns

// command is the place of a command in its client's pipeline.
type command struct{ client, slot int }

type client struct {
	loop     int
	answered []bool // by slot
	head     int    // the first slot whose reply is not written
	left     int    // replies the client has not got
	sent     time.Duration
	dirty    bool // replies have come in this turn
}

// loop and server take all that is ready when a turn begins; what comes
// meanwhile waits for the next.
type loop struct {
	busy    bool
	clients []int       // that have sent
	replies [][]command // by server
}

type server struct {
	busy  bool
	inbox [][]command // by loop
}

type event struct {
	at  time.Duration
	seq int // of its scheduling: events of one moment keep that order
	do  func()
}

type events []event

func (q events) Len() int { return len(q) }
func (q events) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q events) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *events) Push(x any)   { *q = append(*q, x.(event)) }
func (q *events) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	return e
}

type world struct {
	Config
	now     time.Duration
	seq     int
	queue   events
	random  *rand.Rand
	clients []client
	loops   []loop
	servers []server
	waiting int // clients with commands under way

	sum struct { // over the window
		commands, answers, pipelines         int
		turns, reads, writes                 int
		cpu, serverCPU, latency, area, think time.Duration // area: clients waiting × time
		thinks                               int
	}
	sent, answered int
}

// Run computes a run from an idle start.
func Run(c Config) Result {
	w := &world{Config: c, random: rand.New(rand.NewPCG(c.Seed, 1)),
		clients: make([]client, c.Clients), loops: make([]loop, c.Loops), servers: make([]server, c.Servers)}
	for l := range w.loops {
		w.loops[l].replies = make([][]command, c.Servers)
	}
	for s := range w.servers {
		w.servers[s].inbox = make([][]command, c.Loops)
	}
	for i := range w.clients {
		w.clients[i] = client{loop: i % c.Loops, answered: make([]bool, c.Pipeline)}
		w.think(i, 0)
	}
	for len(w.queue) > 0 {
		e := heap.Pop(&w.queue).(event)
		w.sum.area += time.Duration(w.waiting) * (w.inWindow(e.at) - w.inWindow(w.now))
		w.now = e.at
		e.do()
	}
	return w.result()
}

func (w *world) result() Result {
	s := &w.sum
	seconds, commands := w.Window.Seconds(), float64(s.answers)
	return Result{
		Sent: w.sent, Answered: w.answered,
		Rate:         commands / seconds,
		CPU:          time.Duration(float64(s.cpu) / commands),
		ServerCPU:    time.Duration(float64(s.serverCPU) / commands),
		Batch:        float64(s.commands) / float64(s.turns),
		Turns:        float64(s.turns) / commands,
		Reads:        float64(s.reads) / commands,
		Writes:       float64(s.writes) / commands,
		Busy:         s.cpu.Seconds() / seconds / float64(w.Loops),
		ServerBusy:   s.serverCPU.Seconds() / seconds / float64(w.Servers),
		Latency:      s.latency / time.Duration(max(1, s.pipelines)),
		Waiting:      s.area.Seconds() / seconds,
		meanThinking: float64(s.think) / float64(max(1, s.thinks)),
	}
}

// inWindow is how much of the window has passed at t.
func (w *world) inWindow(t time.Duration) time.Duration {
	return min(max(0, t-w.Warmup), w.Window)
}

// counts says whether what happens now is within the window.
func (w *world) counts() bool { return w.now >= w.Warmup && w.now < w.Warmup+w.Window }

func (w *world) schedule(at time.Duration, do func()) {
	w.seq++
	heap.Push(&w.queue, event{at, w.seq, do})
}

// think lets client i send again, unless the run is at its end by then.
func (w *world) think(i int, now time.Duration) {
	pause := time.Duration(w.random.ExpFloat64() * float64(w.Turnaround))
	if w.counts() {
		w.sum.think += pause
		w.sum.thinks++
	}
	if now+pause >= w.Warmup+w.Window {
		return
	}
	w.schedule(now+pause, func() {
		c := &w.clients[i]
		c.sent, c.head, c.left = w.now, 0, w.Pipeline
		clear(c.answered)
		w.waiting++
		w.sent += w.Pipeline
		l := &w.loops[c.loop]
		l.clients = append(l.clients, i)
		w.turn(c.loop)
	})
}

// turn is epoll_wait, all reads, then one write for each server and client that
// has something to get; unless the loop works or there is nothing to do.
func (w *world) turn(id int) {
	l := &w.loops[id]
	ready := 0
	for _, r := range l.replies {
		ready += min(1, len(r))
	}
	if l.busy || ready+len(l.clients) == 0 {
		return
	}
	l.busy = true
	reads, writes := ready, 0
	at := w.now + w.Loop.Turn + time.Duration(ready)*w.Loop.Read
	var dirty []int
	for s, replies := range l.replies {
		for _, r := range replies {
			c := &w.clients[r.client]
			c.answered[r.slot] = true
			if !c.dirty {
				c.dirty = true
				dirty = append(dirty, r.client)
			}
		}
		l.replies[s] = nil
	}
	taken := l.clients[:min(len(l.clients), turnEvents-ready)]
	l.clients = append([]int(nil), l.clients[len(taken):]...)
	out := make([][]command, w.Servers)
	for _, i := range taken {
		reads++
		at += w.Loop.Read + time.Duration(w.Pipeline)*w.Loop.Command
		for slot := range w.Pipeline {
			s := w.random.IntN(w.Servers)
			out[s] = append(out[s], command{i, slot})
		}
	}
	for s, commands := range out {
		if len(commands) > 0 {
			writes++
			at += w.Loop.Write
			w.schedule(at, func() {
				w.servers[s].inbox[id] = append(w.servers[s].inbox[id], commands...)
				w.serve(s)
			})
		}
	}
	for _, i := range dirty {
		c := &w.clients[i]
		c.dirty = false
		n := 0 // replies go out in the order of the commands
		for c.head < w.Pipeline && c.answered[c.head] {
			c.head++
			n++
		}
		if n > 0 {
			writes++
			at += w.Loop.Write
			w.schedule(at, func() { w.answer(i, n) })
		}
	}
	if w.counts() {
		w.sum.turns++
		w.sum.commands += len(taken) * w.Pipeline
		w.sum.reads += reads
		w.sum.writes += writes
	}
	w.sum.cpu += w.inWindow(at) - w.inWindow(w.now)
	w.schedule(at, func() { l.busy = false; w.turn(id) })
}

// serve is a server's turn: it reads and executes all, then writes all.
func (w *world) serve(id int) {
	s := &w.servers[id]
	at, work := w.now+w.Server.Turn, false
	inbox := s.inbox
	for _, commands := range inbox {
		if len(commands) > 0 {
			work = true
			at += w.Server.Conn + time.Duration(len(commands))*w.Server.Command
		}
	}
	if s.busy || !work {
		return
	}
	s.busy, s.inbox = true, make([][]command, w.Loops)
	w.sum.serverCPU += w.inWindow(at) - w.inWindow(w.now)
	w.schedule(at, func() {
		for l, commands := range inbox {
			w.loops[l].replies[id] = append(w.loops[l].replies[id], commands...)
			w.turn(l)
		}
		s.busy = false
		w.serve(id)
	})
}

// answer gives client i its next n replies.
func (w *world) answer(i, n int) {
	c := &w.clients[i]
	c.left -= n
	w.answered += n
	if w.counts() {
		w.sum.answers += n
	}
	if c.left > 0 {
		return
	}
	w.waiting--
	if w.counts() {
		w.sum.pipelines++
		w.sum.latency += w.now - c.sent
	}
	w.think(i, w.now)
}
