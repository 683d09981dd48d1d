package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shardring/shardring/bench/chaos/internal/fleet"
	"github.com/shardring/shardring/bench/chaos/internal/history"
	"github.com/shardring/shardring/bench/chaos/internal/load"
)

// env is what all scenarios have in common.
type env struct {
	shardproxy string
	stretch    time.Duration // before and after a fault
	limit      time.Duration // the pool's timeout
	patience   int           // how many times as slow as demanded things may be; more than 1 on a busy machine
}

// run is one scenario under way.
type run struct {
	env   env
	row   *row
	fleet *fleet.Fleet
	load  *load.Load

	began time.Time // when the fault did
	back  time.Time // since when it could be well again: Sentinel's switch, else the fault's end
}

// play runs one scenario. What goes wrong is in the row.
func (e env) play(ctx context.Context, s scenario) *row {
	if s.alone != nil {
		return s.alone(ctx, e)
	}
	r := &run{env: e, row: &row{name: s.name}}
	if err := r.whole(ctx, s); err != nil {
		r.row.fail("%v", err)
	}
	if r.load != nil {
		if err := r.load.Close(); err != nil {
			r.row.fail("close the library's client: %v", err)
		}
	}
	if r.fleet != nil {
		if len(r.row.failures) > 0 {
			r.row.proxyLog = r.fleet.Proxy.Log()
		}
		if err := r.fleet.Close(); err != nil {
			r.row.fail("close: %v", err)
		}
	}
	return r.row
}

// whole is all of a scenario but its clean-up.
func (r *run) whole(ctx context.Context, s scenario) (err error) {
	s.fleet = r.env.servers(s.fleet)
	if r.fleet, err = fleet.Start(ctx, s.fleet); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	s.load.Proxy, s.load.Control = r.fleet.Proxy.Addr, r.fleet.Control.Addr
	s.load.File, s.load.Pool = r.fleet.Proxy.ConfigPath(), "chaos"
	if r.load, err = load.Start(s.load); err != nil {
		return err
	}
	faulty := r.phases(ctx, s)
	resume := r.load.Rest()
	if err := r.audit(); err != nil && faulty == nil {
		faulty = fmt.Errorf("audit at the end: %w", err)
	}
	resume()
	judge(r, s, r.load.Stop())
	return faulty
}

// phases lets the load run before, during and after the fault.
func (r *run) phases(ctx context.Context, s scenario) error {
	if err := sleep(ctx, r.env.stretch/4); err != nil {
		return err
	}
	r.load.Enter(load.Before)
	if err := sleep(ctx, r.env.stretch); err != nil {
		return err
	}
	r.load.Enter(load.During)
	r.load.History(victim).Allow(s.allows)
	r.began = time.Now()
	if err := s.fault(ctx, r); err != nil {
		return err
	}
	if r.back.IsZero() {
		r.back = time.Now()
	}
	if err := sleep(ctx, max(r.env.limit*2/3, time.Second)); err != nil {
		return err
	}
	r.row.ended = time.Now()
	resume := r.load.Rest()
	err := r.audit()
	r.load.History(victim).Allow(history.Strict)
	r.load.Enter(load.After)
	resume()
	if err != nil {
		return fmt.Errorf("audit after the fault: %w", err)
	}
	return sleep(ctx, r.env.stretch)
}

// audit compares what the primaries hold with what was acknowledged. The load rests.
func (r *run) audit() error {
	for i, s := range r.fleet.Shards {
		p, err := s.Primary()
		if err != nil {
			return err
		}
		c, err := p.Dial()
		if err != nil {
			return err
		}
		err = r.load.Audit(i, c)
		_ = c.Close()
		if err != nil {
			return fmt.Errorf("%s at %s: %w", s.Name, p.Addr, err)
		}
	}
	return nil
}

// servers is a spec with what all fleets have in common.
func (e env) servers(spec fleet.Spec) fleet.Spec {
	spec.Shardproxy = e.shardproxy
	spec.Pool = append(slices.Clone(spec.Pool), e.timeout())
	return spec
}

func (e env) timeout() string { return fmt.Sprintf("timeout: %v", e.limit) }

// beyond is how long a fault lasts that is to last longer than the time limit.
func (e env) beyond() time.Duration { return e.limit * 5 / 3 }

// say notes something about the run for its reader.
func (r *run) say(format string, args ...any) { r.row.say(format, args...) }

// victim is the shard under the fault.
func (r *run) victim() *fleet.Shard { return r.fleet.Shards[victim] }

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
