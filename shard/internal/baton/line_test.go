package baton

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gomodule/redigo/redis"
)

// right reports whether a reply is the fake's reply to arg.
func right(arg string, reply any, err error) bool {
	if e, ok := err.(redis.Error); ok {
		return string(e) == "ERR "+arg && reply == e
	}
	return err == nil && reply == arg
}

// idleAndWhole checks a line's invariants when nothing is in flight.
func idleAndWhole(t *testing.T, l *Line) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reading || l.writing || l.waiters != 0 || l.err != nil && l.queue.n != 0 {
		t.Errorf("left behind: reading %v, writing %v, %d waiting, %d queued, error %v",
			l.reading, l.writing, l.waiters, l.queue.n, l.err)
	}
	owed := 0
	for i := range l.queue.n {
		owed += l.queue.get(i).left
	}
	if l.owed != owed {
		t.Errorf("%d replies counted, %d owed", l.owed, owed)
	}
}

// storm has many goroutines use a line in every way and checks each reply.
// It returns how many calls were answered, given up and lost.
func storm(t *testing.T, l *Line, goroutines, each int) (answered, left, lost int64) {
	var a, g, x atomic.Int64
	count := func(arg string, reply any, err error) {
		var e *Error
		switch {
		case right(arg, reply, err):
			a.Add(1)
		case errors.As(err, &e) && e.Broken:
			x.Add(1)
		case errors.Is(err, context.Canceled), errors.Is(err, ErrTimeout):
			g.Add(1)
		default:
			t.Errorf("call %s got %v, %v", arg, reply, err)
		}
	}
	var wg sync.WaitGroup
	for i := range goroutines {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 7))
			for j := range each {
				arg := fmt.Sprintf("%d-%d", i, j)
				ctx, cancel := context.Background(), func() {}
				var deadline time.Time
				switch r.IntN(6) {
				case 0:
					var c context.CancelFunc
					ctx, c = context.WithCancel(ctx)
					stop := time.AfterFunc(time.Duration(r.IntN(3000))*time.Microsecond, c)
					cancel = func() { stop.Stop(); c() }
				case 1:
					deadline = time.Now().Add(time.Duration(r.IntN(3000)) * time.Microsecond)
				}
				if r.IntN(5) > 0 {
					reply, err := l.Do(ctx, deadline, "ECHO", []any{arg})
					count(arg, reply, err)
					cancel()
					continue
				}
				// A batch: some waited for, some dropped.
				run := make([]*Command, r.IntN(20)+1)
				for k := range run {
					run[k] = &Command{Cmd: "ECHO", Args: []any{fmt.Sprint(arg, "-", k)}}
				}
				n, err := l.Start(slices.Clone(run))
				for range run[n:] {
					count(arg, nil, err)
				}
				l.Flush()
				if r.IntN(2) == 0 && n > 0 {
					l.Await(ctx, run[r.IntN(n)], deadline)
				}
				before := 0
				for k, cmd := range run[:n] {
					switch r.IntN(10) {
					case 0:
						l.Drop(cmd)
						before = k + 1
					case 1, 2:
						if k < n-1 {
							continue
						}
						fallthrough
					default:
						l.Wait(ctx, cmd, deadline)
						for ; before <= k; before++ {
							count(run[before].Args[0].(string), run[before].Reply, run[before].Err)
						}
					}
				}
				cancel()
			}
		})
	}
	wg.Wait()
	return a.Load(), g.Load(), x.Load()
}

func TestEveryReplyGoesToItsCall(t *testing.T) {
	for _, yield := range []bool{true, false} {
		t.Run(fmt.Sprintf("yield=%v", yield), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{
					delay: func(arg string) time.Duration {
						if len(arg)%5 == 0 {
							return time.Duration(len(arg)) * 20 * time.Microsecond
						}
						return 0
					},
					large: func(arg string) bool { return len(arg) > 3 && arg[len(arg)-2:] == "77" },
				}
				l := newFake(f, Options{NoYield: !yield})
				answered, left, lost := storm(t, l, 40, 200)
				t.Logf("%d answered, %d given up, %d lost", answered, left, lost)
				if answered < 5000 || left < 50 || lost != 0 {
					t.Errorf("%d answered, %d given up, %d lost", answered, left, lost)
				}
				idleAndWhole(t, l)
				l.Break(errCut)
			})
		})
	}
}

func TestPairingWhenConnectionsBreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lost int64
		for cut := int64(1); cut < 60; cut += 3 {
			l := newFake(&fake{cut: cut, delay: func(string) time.Duration { return 30 * time.Microsecond }}, Options{})
			_, _, x := storm(t, l, 8, 20)
			lost += x
			idleAndWhole(t, l)
			if l.Err() == nil {
				t.Errorf("cut after %d: the line does not know", cut)
			}
		}
		if lost == 0 {
			t.Error("no call was lost: the test tests nothing")
		}
	})
}

func TestCallerWhoLeavesPassesTheBaton(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{delay: func(string) time.Duration { return 100 * time.Millisecond }}
		l := newFake(f, Options{})
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := l.Do(ctx, time.Time{}, "ECHO", []any{"a"}); !errors.Is(err, context.Canceled) {
				t.Errorf("a: %v", err)
			}
		})
		time.Sleep(time.Millisecond)
		wg.Go(func() {
			if reply, err := l.Do(context.Background(), time.Time{}, "ECHO", []any{"b"}); !right("b", reply, err) {
				t.Errorf("b got %v, %v", reply, err)
			}
		})
		time.Sleep(20 * time.Millisecond)
		start := time.Now()
		cancel()
		wg.Wait()
		if d := time.Since(start); d > 200*time.Millisecond {
			t.Errorf("took %v", d)
		}
		idleAndWhole(t, l)
	})
}

func TestNobodyHangsOnAStuckServer(t *testing.T) {
	for _, jam := range []bool{false, true} {
		t.Run(fmt.Sprintf("jam=%v", jam), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newFake(&fake{jam: jam, delay: func(string) time.Duration { return time.Hour }}, Options{Stall: time.Second})
				var wg sync.WaitGroup
				start := time.Now()
				for i := range 50 {
					wg.Go(func() {
						timeout := time.Second + time.Duration(i%7)*100*time.Millisecond
						_, err := l.Do(context.Background(), start.Add(timeout), "ECHO", []any{"x"})
						var e *Error
						if !errors.As(err, &e) || !errors.Is(err, ErrTimeout) && !errors.Is(err, ErrSilent) {
							t.Errorf("got %v", err)
						}
						if d := time.Since(start); d > timeout+2*tick {
							t.Errorf("deadline %v: took %v", timeout, d)
						}
					})
				}
				wg.Wait()
				if !jam && l.Err() != ErrSilent {
					t.Errorf("after a second of silence the line's error is %v", l.Err())
				}
				l.Break(errCut)
				idleAndWhole(t, l)
			})
		})
	}
}

// The first command of a run that its owner gives up is a head given up, though
// the owner still wants the others; and what is given up stays as it was left.
func TestSilenceAtTheBeginningOfARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFake(&fake{delay: func(string) time.Duration { return time.Hour }}, Options{Stall: time.Second})
		run := commands("first", "second")
		l.Start(slices.Clone(run))
		l.Flush()
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(100*time.Millisecond, cancel)
		l.Wait(ctx, run[0], time.Time{})
		if !errors.Is(run[0].Err, context.Canceled) || run[1].Err != nil || l.Err() != nil {
			t.Errorf("%v, %v, %v", run[0].Err, run[1].Err, l.Err())
		}
		start := time.Now()
		if _, err := l.Do(context.Background(), start.Add(3*time.Second), "ECHO", []any{"other"}); !errors.Is(err, ErrSilent) {
			t.Errorf("other: %v", err)
		}
		l.Wait(context.Background(), run[1], start.Add(4*time.Second))
		if d := time.Since(start); !errors.Is(run[0].Err, context.Canceled) || !errors.Is(run[1].Err, ErrSilent) || d > time.Second {
			t.Errorf("%v, %v after %v", run[0].Err, run[1].Err, d)
		}
		idleAndWhole(t, l)
	})
}

func TestSlowCallIsNotBrokenByOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{delay: func(arg string) time.Duration {
			if arg == "slow" {
				return 5 * time.Second
			}
			return 0
		}}
		l := newFake(f, Options{Stall: time.Second})
		var wg sync.WaitGroup
		wg.Go(func() {
			if reply, err := l.Do(context.Background(), time.Time{}, "ECHO", []any{"slow"}); !right("slow", reply, err) {
				t.Errorf("slow got %v, %v", reply, err)
			}
		})
		time.Sleep(time.Millisecond)
		for range 20 { // these give up behind it, and their replies come late
			deadline := time.Now().Add(100 * time.Millisecond)
			if _, err := l.Do(context.Background(), deadline, "ECHO", []any{"late"}); !errors.Is(err, ErrTimeout) {
				t.Errorf("late got %v", err)
			}
		}
		wg.Wait()
		if reply, err := l.Do(context.Background(), time.Time{}, "ECHO", []any{"after"}); !right("after", reply, err) {
			t.Errorf("after got %v, %v", reply, err)
		}
		idleAndWhole(t, l)
	})
}

func TestUnsentIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{delay: func(string) time.Duration { return time.Hour }}
		l := newFake(f, Options{})
		run := commands("sent", "sent", "unsent", "unsent")
		l.Start(run[:2])
		l.Flush()
		l.Start(run[2:])
		l.Break(errCut)
		for i, cmd := range run {
			l.Wait(context.Background(), cmd, time.Time{})
			var e *Error
			if !errors.As(cmd.Err, &e) || e.Sent != (i < 2) || !e.Broken || !errors.Is(cmd.Err, errCut) {
				t.Errorf("%v: got %+v", cmd.Args, cmd.Err)
			}
		}
		n, err := l.Start(commands("after"))
		var e *Error
		if n != 0 || !errors.As(err, &e) || e.Sent || !e.Broken {
			t.Errorf("Start on a broken line: %d, %+v", n, err)
		}
	})
}

// commands makes a run.
func commands(args ...string) []*Command {
	var run []*Command
	for _, arg := range args {
		run = append(run, &Command{Cmd: "ECHO", Args: []any{arg}})
	}
	return run
}

func TestBacklogIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFake(&fake{jam: true}, Options{MaxUnsent: 10})
		run := commands("1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13")
		n, err := l.Start(slices.Clone(run))
		if n != 11 || !errors.Is(err, ErrBacklog) {
			t.Errorf("%d started, %v", n, err)
		}
		l.Flush()
		n, err = l.Start(run[n:])
		var e *Error
		if n != 0 || !errors.Is(err, ErrBacklog) || !errors.As(err, &e) || e.Sent || e.Broken {
			t.Errorf("got %+v, want ErrBacklog, not sent", err)
		}
		l.Break(errCut)
	})
}

// TestInFlightIsBounded: no more is begun than may be owed, also by callers who have gone.
// Only while nobody waits, and so nobody reads, one more is.
func TestInFlightIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := make(chan struct{})
		l := newFake(&fake{delay: func(string) time.Duration {
			select {
			case <-answers:
				return 0
			default:
				return time.Second
			}
		}}, Options{MaxInFlight: 5})
		refused := func(what string, err error) {
			t.Helper()
			var e *Error
			if !errors.Is(err, ErrTooMany) || !errors.As(err, &e) || e.Sent || e.Broken || err.Error() != "too many commands are under way: 5 (MaxInFlight)" {
				t.Errorf("%s: %v, want ErrTooMany, not sent", what, err)
			}
		}
		run := commands("1", "2", "3", "4", "5", "6", "7", "8")
		n, err := l.Start(slices.Clone(run))
		if refused("a run", err); n != 5 {
			t.Errorf("%d started, want 5", n)
		}
		l.Drop(run[4])
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() {
			if reply, err := l.Do(context.Background(), time.Time{}, "ECHO", []any{"first"}); !right("first", reply, err) {
				t.Errorf("who reads what is there: %v, %v", reply, err)
			}
		})
		synctest.Wait()
		_, err = l.Do(context.Background(), time.Time{}, "ECHO", []any{"x"})
		refused("beside one who waits", err)
		n, err = l.Start(run[5:])
		if refused("a run beside one who waits", err); n != 0 {
			t.Errorf("%d started", n)
		}
		close(answers)
		wg.Wait()
		if reply, err := l.Do(context.Background(), time.Time{}, "ECHO", []any{"x"}); !right("x", reply, err) {
			t.Errorf("afterwards: %v, %v", reply, err)
		}
		idleAndWhole(t, l)
	})
}
