package main

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// burn keeps n goroutines computing until the function it returns is called.
func burn(n int) (stop func()) {
	var stopped atomic.Bool
	var done sync.WaitGroup
	for range n {
		done.Go(func() {
			x := uint64(1)
			for !stopped.Load() {
				for range 1000 {
					x = x*6364136223846793005 + 1442695040888963407
				}
			}
			runtime.KeepAlive(x)
		})
	}
	return func() {
		stopped.Store(true)
		done.Wait()
	}
}
