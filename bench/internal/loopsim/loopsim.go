// Package loopsim is a queueing model of shardproxy's epoll loops: what more
// loops would serve if each had a core of its own. It computes, it measures
// nothing, and the same Config gives the same Result.
//
//	r := loopsim.Run(loopsim.Config{Loops: 2, Clients: 50, Pipeline: 1, Servers: 4,
//		Turnaround: 100 * time.Microsecond, Loop: loopsim.MeasuredLoop(), Server: loopsim.MeasuredServer(),
//		Warmup: 50 * time.Millisecond, Window: 200 * time.Millisecond})
//	fmt.Println(r.Rate, r.CPU)
//
// Each client belongs to a loop, each loop has a connection to every server:
//
//	client ─► loop: a turn takes all that is ready ─► server: likewise ─► loop ─► client
//
// There is no wire, no cache and no kernel shared by the loops in it: a call
// costs the same whatever else runs. Runs share nothing and may be concurrent.
package loopsim

import "time"

// LoopCosts are the CPU time a loop spends. Kernel's and own time are one.
type LoopCosts struct {
	Turn    time.Duration // once a turn: epoll_wait, and the sleep and wake where nothing was ready
	Read    time.Duration // for each readable socket, a client's or a server's
	Command time.Duration // the core's part of a command and its reply
	Write   time.Duration // for each socket written, a client's or a server's; holds the wake of the other side
}

// ServerCosts are the CPU time a single-threaded server spends.
type ServerCosts struct {
	Turn    time.Duration // each time it has waited for events
	Conn    time.Duration // for each readable connection: its read and its write
	Command time.Duration
}

// MeasuredLoop are the costs on the machine of MATRIX.md, two cores that the
// proxy shares with the load and the servers. A GET of 64 B of 50 clients costs
// about 9.5 µs (9 in engine/README.md, 10.6 in MATRIX.md), of which writes are
// 60%, reads 9%, other system calls 8% and the rest the proxy's own. For each
// request perf stat -e 'syscalls:sys_enter_*' counted 1.29 writes, 1.24 reads
// and 0.153 epoll_pwait. So:
//
//	write  9.5 × 0.60 / 1.29  = 4.4 µs in the kernel
//	read   9.5 × 0.09 / 1.24  = 0.7 µs
//	turn   9.5 × 0.08 / 0.153 = 5 µs
//
// The proxy's own 9.5 × 0.23 = 2.2 µs are the core's, 0.16 to 0.19 µs by
// BenchmarkCore of proxy/session, and what is left over 2.53 reads and writes:
// 0.8 µs each. Nothing here is from a pipeline of 16, where 0.122 writes, 0.084
// reads and 0.017 waits were counted and 1.08 µs measured: these costs make it 1.01.
func MeasuredLoop() LoopCosts {
	return LoopCosts{Turn: 5000, Read: 700 + 800, Command: 160, Write: 4400 + 800}
}

// MeasuredServer makes a server that 50 clients ask directly serve about 88,500
// a second, and 1.17 million at a pipeline of 16: the rows "direct" of MATRIX.md.
// Turn is chosen for the CPU of the servers behind the proxy, in brackets there:
// 6.19 and 1.04 µs, at 3.4 and 17 commands a write of the proxy (perf), for which
// these costs give 5.2 and 1.2.
func MeasuredServer() ServerCosts {
	return ServerCosts{Turn: 6000, Conn: 11_000, Command: 200}
}

// Calibration is one loop before four measured servers and 50 clients, as it
// was measured. On the box the batch is what the shared cores and the load's own
// event loop make it, which are not in the model; so Turnaround is chosen to
// give that batch, and the costs have to give the rest.
type Calibration struct {
	Pipeline   int
	Turnaround time.Duration
	Batch      float64       // commands a turn: perf's epoll_pwait
	Writes     float64       // a command, perf
	CPU        time.Duration // a command, MATRIX.md
	SecondLoop string        // CPU of two loops to one, engine/README.md
}

// Calibrations are for GETs of 64 B.
func Calibrations() []Calibration {
	return []Calibration{
		{1, 380 * time.Microsecond, 6.5, 1.29, 10_590, "1.3 to 1.6"},
		{16, 750 * time.Microsecond, 58, 0.122, 1080, "1.2 to 1.3"},
	}
}

// Config is the run of one with so many loops.
func (c Calibration) Config(loops int) Config {
	return Config{Loops: loops, Clients: 50, Pipeline: c.Pipeline, Servers: 4, Turnaround: c.Turnaround,
		Loop: MeasuredLoop(), Server: MeasuredServer(), Warmup: 30 * time.Millisecond, Window: 200 * time.Millisecond}
}

// FastServer is never what limits.
func FastServer() ServerCosts {
	return ServerCosts{Turn: 100, Conn: 100, Command: 10}
}

// Config is a closed loop: each client sends Pipeline commands, waits for all
// replies, and after an exponential time of mean Turnaround sends again. All
// counts are at least 1.
type Config struct {
	Loops, Clients, Pipeline, Servers int

	Turnaround time.Duration
	Loop       LoopCosts
	Server     ServerCosts
	Warmup     time.Duration // not counted in the means
	Window     time.Duration // what the means are over, after the warm-up
	Seed       uint64        // of the turnarounds and of the keys' shards
}

// Result is over the window but for Sent and Answered, which are over the whole
// run: at its end the clients stop sending and what is under way is answered.
type Result struct {
	Sent, Answered int // commands

	Rate         float64       // commands a second
	CPU          time.Duration // of the loops, a command
	ServerCPU    time.Duration // of the servers, a command
	Batch        float64       // commands read in a turn
	Turns        float64       // a command
	Reads        float64       // a command
	Writes       float64       // a command
	Busy         float64       // share of the window in which a loop works, of 1
	ServerBusy   float64       // the same of a server
	Latency      time.Duration // mean from a pipeline's sending to its last reply
	Waiting      float64       // mean of the clients that wait for replies, from a count over time
	meanThinking float64       // mean of the turnarounds drawn, in ns
}
