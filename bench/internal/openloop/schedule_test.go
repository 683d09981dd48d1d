package openloop

import (
	"testing"
	"time"
)

func TestDueByIsTheInverseOfDue(t *testing.T) {
	for _, rate := range []float64{0.5, 3, 7, 1000, 12_345.678, 33_333, 1e7} {
		s := schedule{rate: rate, over: 50, total: 100_000}
		for i := 0; i < s.total; i += 1 + i/7 {
			at := s.due(i)
			if got := s.dueBy(at); got < i+1 || s.due(got-1) != at {
				t.Fatalf("at rate %g, %d are due at %v, when request %d is", rate, got, at, i)
			}
			if got := s.dueBy(at - 1); got != i {
				t.Fatalf("at rate %g, %d are due right before request %d", rate, got, i)
			}
		}
		if got := s.dueBy(1e18); got != s.total {
			t.Errorf("at rate %g, %d are due at the end, want %d", rate, got, s.total)
		}
	}
	if got := (schedule{rate: 1000, over: 1, total: 9}).due(3); got != 3*time.Millisecond {
		t.Errorf("request 3 of 1000/s is due at %v", got)
	}
}

// Every one of the first n requests has one connection and one number there.
func TestShare(t *testing.T) {
	s := schedule{rate: 1, over: 7, total: 100}
	for n := range s.total {
		sum := 0
		for conn := range s.over {
			share := s.share(conn, n)
			sum += share
			if share > 0 && s.index(conn, share-1) >= n || s.index(conn, share) < n {
				t.Fatalf("connection %d has %d of the first %d requests", conn, share, n)
			}
		}
		if sum != n {
			t.Fatalf("%d of the first %d requests have a connection", sum, n)
		}
	}
}
