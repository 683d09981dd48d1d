package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shardring/shardring/bench/internal/loopsim"
)

// loopsSection is what a model says of loops with a core each. Nothing in it
// is measured.
type loopsSection struct {
	calibrated []calibratedLoop
	rows       []loopsRow
	doubts     []loopsDoubt
}

type calibratedLoop struct {
	loopsim.Calibration
	one, two loopsim.Result
}

// loopsRow is a run, and the rate to that of one loop.
type loopsRow struct {
	servers string
	config  loopsim.Config
	result  loopsim.Result
	ratio   float64
}

// loopsDoubt is the rate of two loops to one with other parameters, in the
// order of loopsChanges.
type loopsDoubt struct {
	clients, pipeline int
	ratios            []float64
}

// loopsGoal is what two loops are to serve, to one, if they have the cores.
const loopsGoal = 1.7

// loopsTurnaround is the clients': about a round trip in one datacentre.
const loopsTurnaround = 100 * time.Microsecond

type loopsServers struct {
	name  string
	costs loopsim.ServerCosts
}

func loopsServersKinds() []loopsServers {
	return []loopsServers{{"fast", loopsim.FastServer()}, {"as measured", loopsim.MeasuredServer()}}
}

type loopsChange struct {
	name  string
	apply func(*loopsim.Config)
}

func loopsChanges() []loopsChange {
	return []loopsChange{
		{"as above", func(*loopsim.Config) {}},
		{"write × ½", func(c *loopsim.Config) { c.Loop.Write /= 2 }},
		{"write × 2", func(c *loopsim.Config) { c.Loop.Write *= 2 }},
		{"turnaround × ½", func(c *loopsim.Config) { c.Turnaround /= 2 }},
		{"turnaround × 2", func(c *loopsim.Config) { c.Turnaround *= 2 }},
	}
}

func simulateLoops() loopsSection {
	var s loopsSection
	for _, c := range loopsim.Calibrations() {
		s.calibrated = append(s.calibrated, calibratedLoop{c, loopsim.Run(c.Config(1)), loopsim.Run(c.Config(2))})
	}
	for _, servers := range loopsServersKinds() {
		for _, clients := range []int{50, 200, 1000} {
			for _, pipeline := range []int{1, 16} {
				var one float64
				for _, loops := range []int{1, 2, 4} {
					c := loopsConfig(loops, clients, pipeline, servers.costs)
					r := loopsim.Run(c)
					if loops == 1 {
						one = r.Rate
					}
					s.rows = append(s.rows, loopsRow{servers.name, c, r, r.Rate / one})
				}
			}
		}
	}
	for _, clients := range []int{50, 200, 1000} {
		for _, pipeline := range []int{1, 16} {
			d := loopsDoubt{clients: clients, pipeline: pipeline}
			for _, change := range loopsChanges() {
				one, two := loopsConfig(1, clients, pipeline, loopsim.MeasuredServer()), loopsConfig(2, clients, pipeline, loopsim.MeasuredServer())
				change.apply(&one)
				change.apply(&two)
				d.ratios = append(d.ratios, loopsim.Run(two).Rate/loopsim.Run(one).Rate)
			}
			s.doubts = append(s.doubts, d)
		}
	}
	return s
}

func loopsConfig(loops, clients, pipeline int, servers loopsim.ServerCosts) loopsim.Config {
	return loopsim.Config{Loops: loops, Clients: clients, Pipeline: pipeline, Servers: 4, Turnaround: loopsTurnaround,
		Loop: loopsim.MeasuredLoop(), Server: servers, Warmup: 30 * time.Millisecond, Window: 300 * time.Millisecond}
}

func (s loopsSection) write(b *strings.Builder) {
	if len(s.rows) == 0 {
		return
	}
	b.WriteString("## Loops: a simulation, not a measurement\n\n" +
		"Nothing below was measured. With two cores for the proxy, the load and the servers together, a second loop takes its core from the others: " +
		"such a machine cannot show what loops with a core each serve. A queueing model (internal/loopsim) computes it: each loop has a core, " +
		"each server has one, and no client is short of any; a turn takes all that is ready.\n\n" +
		"It leaves out memory bandwidth, caches, the network card, locks and queues in the kernel that loops contend for, interrupts, connects and the " +
		"collector. Most of these make more loops serve less than it says. At 1,000 clients they already make one loop dearer: MATRIX.md has 11.9 and 1.3 µs.\n\n")
	fmt.Fprintf(b, "Costs: %s a turn, %s a readable socket, %s a command, %s a written socket; their sources are in the package. "+
		"Four servers; clients send again %s after the last reply, in the mean.\n\n",
		micro(loopsim.MeasuredLoop().Turn), micro(loopsim.MeasuredLoop().Read), micro(loopsim.MeasuredLoop().Command),
		micro(loopsim.MeasuredLoop().Write), micro(loopsTurnaround))

	b.WriteString("What was measured, 50 clients on two shared cores, and the model at that batch:\n\n" +
		"| pipeline | batch: measured | model | CPU µs: measured | model | writes a request: measured | model | CPU of two loops to one: measured | model |\n" +
		"|---|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, c := range s.calibrated {
		fmt.Fprintf(b, "| P%d | %.1f | %.1f | %s | %s | %.2f | %.2f | %s | %.2f |\n", c.Pipeline, c.Batch, c.one.Batch,
			figure(micros(c.CPU), 2), figure(micros(c.one.CPU), 2), c.Writes, c.one.Writes, c.SecondLoop, float64(c.two.CPU)/float64(c.one.CPU))
	}

	b.WriteString("\nWhere the model's second loop is dearer than the measured one, its ratios for few clients are rather too low.\n" +
		"\n| servers | clients | loops | requests/s | CPU µs a request | commands a turn | servers busy | to one loop |\n|---|---|---:|---:|---:|---:|---:|---:|\n")
	for _, r := range s.rows {
		fmt.Fprintf(b, "| %s | %s, P%d | %d | %s | %s | %s | %.0f%% | %.2f |\n", r.servers, thousands(r.config.Clients), r.config.Pipeline, r.config.Loops,
			figure(r.result.Rate/1000, -1)+",000", figure(micros(r.result.CPU), 2), figure(r.result.Batch, 1), 100*r.result.ServerBusy, r.ratio)
	}
	fmt.Fprintf(b, "\n%s\n\n", s.verdict())

	b.WriteString("Two loops to one, servers as measured, with other parameters:\n\n| clients |")
	for _, c := range loopsChanges() {
		fmt.Fprintf(b, " %s |", c.name)
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", len(loopsChanges())) + "\n")
	for _, d := range s.doubts {
		fmt.Fprintf(b, "| %s, P%d |", thousands(d.clients), d.pipeline)
		for _, r := range d.ratios {
			fmt.Fprintf(b, " %.2f |", r)
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
}

// verdict says where two loops reach the goal, and where not.
func (s loopsSection) verdict() string {
	var under []string
	two := 0
	for _, r := range s.rows {
		if r.config.Loops != 2 {
			continue
		}
		two++
		if r.ratio < loopsGoal {
			under = append(under, fmt.Sprintf("%s clients, P%d, servers %s: %.2f", thousands(r.config.Clients), r.config.Pipeline, r.servers, r.ratio))
		}
	}
	if len(under) == 0 {
		return fmt.Sprintf("In the model two loops serve at least %.1f times one in all %d cases.", loopsGoal, two)
	}
	slices.Sort(under)
	return fmt.Sprintf("In the model two loops serve at least %.1f times one in %d of %d cases. Less in: %s. There each loop gathers smaller batches, "+
		"so a request costs more writes and waits.", loopsGoal, two-len(under), two, strings.Join(under, "; "))
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func micro(d time.Duration) string { return fmt.Sprintf("%g µs", micros(d)) }

func (loopsSection) failures() int { return 0 }
