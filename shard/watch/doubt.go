package watch

import (
	"context"
	"time"
)

// Doubts of a shard are looked into at most so often, and Sentinels asked because
// of them.
const (
	doubtEvery    = 20 * time.Millisecond
	sentinelEvery = 100 * time.Millisecond
)

// pending are doubts that came too soon after the last of their shard.
type pending struct {
	shards map[string]bool
	looked map[string]time.Time // when a shard was last looked into
	asked  time.Time            // when the Sentinels were
	at     *time.Timer          // nil: nothing is pending
}

// timer receives when pending doubts are due.
func (p *pending) timer() <-chan time.Time {
	if p.at == nil {
		return nil
	}
	return p.at.C
}

// add takes new doubts and returns the shards to look into now, and whether to ask
// the Sentinels; the others wait until next from now, 0: there are none.
func (p *pending) add(doubts []string, now time.Time) (look []string, sentinels bool, next time.Duration) {
	if p.shards == nil {
		p.shards, p.looked = map[string]bool{}, map[string]time.Time{}
	}
	for _, s := range doubts {
		p.shards[s] = true
	}
	for s := range p.shards {
		if left := doubtEvery - now.Sub(p.looked[s]); left > 0 {
			if next == 0 || left < next {
				next = left
			}
			continue
		}
		look = append(look, s)
		p.looked[s] = now
		delete(p.shards, s)
	}
	if len(look) > 0 && now.Sub(p.asked) >= sentinelEvery {
		p.asked, sentinels = now, true
	}
	return look, sentinels, next
}

// doubt looks into what somebody doubts.
func (w *Watcher) doubt(ctx context.Context, shards []string) {
	now := time.Now()
	look, sentinels, next := w.pending.add(shards, now)
	if sentinels {
		w.askSentinels()
	}
	for _, name := range look {
		if t := w.byShard[name]; t != nil {
			t.doubted(now)
			w.settle(ctx, t)
		}
	}
	if w.pending.at != nil {
		w.pending.at.Stop()
		w.pending.at = nil
	}
	if next > 0 {
		w.pending.at = time.NewTimer(next)
	}
}
