// Package randtest gives tests what is random in a way that can be repeated: a seed
// that the test logs, and a flag that takes it.
//
//	func TestOrder(t *testing.T) {
//		r := randtest.New(t) // logs: again: -run '^TestOrder$' -seed=…
//
// A test that may run for long has flags of its own:
//
//	var long = randtest.NewRun("core", "TestCore", 150_000, 30_000) // -core.seed, -core.steps
//
// It is for tests only. Its functions may be called concurrently; a *rand.Rand belongs
// to one goroutine.
package randtest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
)

var seedFlag = flag.Uint64("seed", 0, "seed of random tests; 0: a new one for each")

// New returns a source of a new seed, or that of -seed, and logs how to repeat the run.
func New(tb testing.TB) *rand.Rand {
	tb.Helper()
	seed := chosen(*seedFlag)
	tb.Logf("again: -run '^%s$' -seed=%d", tb.Name(), seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// Run is the seed and the length of one test, by flags.
type Run struct {
	name         string
	seed         *uint64
	steps        *int
	usual, short int
}

// NewRun registers the flags name.seed and name.steps of a test, which usually takes
// so many steps, and fewer with -short.
func NewRun(name, test string, usual, short int) *Run {
	return &Run{
		name:  name,
		seed:  flag.Uint64(name+".seed", 0, "seed of "+test+"; 0: a new one"),
		steps: flag.Int(name+".steps", 0, fmt.Sprintf("steps of %s; 0: %d, or %d with -short", test, usual, short)),
		usual: usual, short: short,
	}
}

// Begin returns the seed and the number of steps, and logs the flags that give them.
func (r *Run) Begin(tb testing.TB) (seed uint64, steps int) {
	tb.Helper()
	seed, steps = chosen(*r.seed), *r.steps
	switch {
	case steps > 0:
	case testing.Short():
		steps = r.short
	default:
		steps = r.usual
	}
	tb.Logf("again: -run '^%s$' -%s.seed=%d -%s.steps=%d", tb.Name(), r.name, seed, r.name, steps)
	return seed, steps
}

// chosen returns the seed, or a new one for 0.
func chosen(seed uint64) uint64 {
	for seed == 0 {
		seed = rand.Uint64()
	}
	return seed
}
