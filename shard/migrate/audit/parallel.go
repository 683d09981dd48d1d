package audit

import (
	"context"
	"sync"
	"time"
)

// inParallel calls do for 0 to n-1, at most limit at a time, and returns the
// first error, which ends the context of the others, or the context's.
func inParallel(ctx context.Context, n, limit int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	next := make(chan int)
	failed := make(chan error, 1)
	var wg sync.WaitGroup
	for range min(n, limit) {
		wg.Go(func() {
			for i := range next {
				if err := do(ctx, i); err != nil {
					select {
					case failed <- err:
					default: // not the first
					}
					cancel()
				}
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return ctx.Err()
	}
}

// pace bounds a rate. All methods may be called concurrently.
type pace struct {
	rate int // 0: no limit

	mu   sync.Mutex // protects next
	next time.Time  // when what is asked for next may happen
}

// wait returns when n more may happen, or with the context's error.
func (p *pace) wait(ctx context.Context, n int) error {
	if p.rate == 0 {
		return ctx.Err()
	}
	p.mu.Lock()
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	at := p.next
	p.next = p.next.Add(time.Duration(n) * time.Second / time.Duration(p.rate))
	p.mu.Unlock()
	select {
	case <-time.After(at.Sub(now)):
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// page is how many keys to ask for at once: so many that a server is not kept
// from others for long, and no more than a tenth of a second's.
func (p *pace) page() int {
	const most = 1000
	if p.rate == 0 {
		return most
	}
	return max(1, min(most, p.rate/10))
}
