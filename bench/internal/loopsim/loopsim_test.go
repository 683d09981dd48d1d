package loopsim

import (
	"math"
	"testing"
	"time"
)

func config(loops, clients, pipeline int) Config {
	return Config{Loops: loops, Clients: clients, Pipeline: pipeline, Servers: 4, Turnaround: 100 * time.Microsecond,
		Loop: MeasuredLoop(), Server: MeasuredServer(), Warmup: 20 * time.Millisecond, Window: 100 * time.Millisecond}
}

// configs are idle and full, one of everything and many.
func configs() []Config {
	list := []Config{config(1, 1, 1), config(1, 50, 1), config(2, 50, 16), config(4, 7, 3), config(4, 1000, 1)}
	idle := config(2, 20, 4)
	idle.Turnaround = 5 * time.Millisecond
	one := config(3, 30, 16)
	one.Servers = 1
	return append(list, idle, one)
}

func within(t *testing.T, name string, got, want, share float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > share*want {
		t.Errorf("%s is %.4g, want %.4g within %.0f%%", name, got, want, 100*share)
	}
}

func TestConservation(t *testing.T) {
	for _, c := range configs() {
		r := Run(c)
		if r.Sent != r.Answered || r.Sent == 0 || r.Sent%c.Pipeline != 0 {
			t.Errorf("%+v: %d sent, %d answered", c, r.Sent, r.Answered)
		}
		if r.Busy > 1.0001 || r.ServerBusy > 1.0001 {
			t.Errorf("%+v: busy %.3f, servers %.3f of 1", c, r.Busy, r.ServerBusy)
		}
	}
}

// The clients that wait are counted over time; rate and latency are taken
// elsewhere.
func TestLittlesLaw(t *testing.T) {
	for _, c := range configs() {
		r := Run(c)
		pipelines := r.Rate / float64(c.Pipeline)
		within(t, "clients waiting", r.Waiting, pipelines*r.Latency.Seconds(), 0.08)
		within(t, "clients", float64(c.Clients), pipelines*(r.Latency.Seconds()+r.meanThinking/1e9), 0.08)
	}
}

func TestDeterminism(t *testing.T) {
	for _, c := range configs() {
		a := Run(c)
		if b := Run(c); a != b {
			t.Errorf("%+v gives\n%+v and\n%+v", c, a, b)
		}
		c.Seed++
		if Run(c) == a {
			t.Errorf("%+v gives the same with another seed", c)
		}
	}
}

// By hand: with one client nothing overlaps. Two turns, two reads, two writes.
func TestOneClient(t *testing.T) {
	c := config(1, 1, 1)
	l, s := c.Loop, c.Server
	r := Run(c)
	cpu := 2*l.Turn + 2*l.Read + 2*l.Write + l.Command
	if r.CPU < cpu*99/100 || r.CPU > cpu*101/100 {
		t.Errorf("CPU %v, want %v", r.CPU, cpu)
	}
	if want := cpu + s.Turn + s.Conn + s.Command; r.Latency != want {
		t.Errorf("latency %v, want %v", r.Latency, want)
	}
}

// At the batch of the measured run the CPU of a request is as measured, within
// 15%, and so are the system calls within 25%.
func TestCalibration(t *testing.T) {
	for _, c := range Calibrations() {
		r := Run(c.Config(1))
		t.Logf("P%d: %+v", c.Pipeline, r)
		within(t, "batch", r.Batch, c.Batch, 0.10)
		within(t, "CPU", float64(r.CPU), float64(c.CPU), 0.15)
		within(t, "writes", r.Writes, c.Writes, 0.25)
	}
}

// A server that 50 connections ask directly serves what "direct" does in
// MATRIX.md. Fifty loops at no cost are 50 connections.
func TestServerCalibration(t *testing.T) {
	for pipeline, rate := range map[int]float64{1: 88_528, 16: 1_166_123} {
		c := config(50, 50, pipeline)
		c.Servers, c.Turnaround, c.Loop = 1, 0, LoopCosts{}
		within(t, "direct rate", Run(c).Rate, rate, 0.10)
	}
}
