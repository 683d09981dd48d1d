package migrate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gomodule/redigo/redis"
)

func (m *Move) attach(ctx context.Context) error {
	// What the target has is lost in a copy; it was empty, unless that was agreed to.
	if r, _ := replication(ctx, m.target, m.source); r == primary && !m.header.Flush && m.journal.past.attaches == 1 {
		if n, err := redis.Int(m.target.do(ctx, "DBSIZE")); err != nil || n > 0 {
			return errors.Join(err, fmt.Errorf("%s has %d keys now, and had none before: nothing was changed", m.header.Target, n))
		}
	}
	if info, err := m.target.info(ctx, "server"); err == nil && info["run_id"] != m.journal.run {
		if err := m.journal.add(entry{Run: info["run_id"]}); err != nil {
			return err
		}
	}
	if err := m.target.follow(ctx, m.source); err != nil {
		return err
	}
	m.attachedAt = time.Now()
	m.say(Attach, "%s copies %s", m.header.Target, m.header.Source)
	return nil
}

// noLink is how long a target may have no word from the source before its copy begins.
const noLink = 20 * time.Second

// sync tells how far the copy is, and waits a moment.
func (m *Move) sync(ctx context.Context, at seen) error {
	if m.held() { // the link was lost while writes waited
		if err := m.again(ctx, "the target lost its link"); err != nil {
			return err
		}
	}
	info, err := m.target.info(ctx, "replication")
	if err != nil {
		return sleep(ctx, 100*time.Millisecond) // look says what became of it
	}
	e := Event{Step: Sync, Lag: -1}
	now := time.Now()
	switch {
	case info["master_sync_in_progress"] == "1":
		m.copied(ctx, &e, info, now)
	case at.linked:
		e.Lag = at.sourceOffset - at.targetOffset
		e.Text = fmt.Sprintf("lacks %s", Size(max(0, e.Lag)))
		m.attachedAt = now
	default:
		m.copying = time.Time{}
		e.Text = "waits for " + m.header.Source + " to begin the copy (its repl-diskless-sync-delay, 5 s by default)"
		if m.attachedAt.IsZero() {
			m.attachedAt = now
		}
		if now.Sub(m.attachedAt) > noLink {
			return fmt.Errorf("%s has had no link to %s for %v: see that it reaches it, and its log (masterauth, output buffer, disk); --resume goes on, --abort takes it back", m.header.Target, m.header.Source, noLink)
		}
	}
	if m.opt.Progress != nil {
		m.opt.Progress(e)
	}
	return sleep(ctx, 100*time.Millisecond)
}

// copied says how far the copy is: what has come, or how much of it the target has loaded.
func (m *Move) copied(ctx context.Context, e *Event, info map[string]string, now time.Time) {
	e.Bytes, e.Total = number(info, "master_sync_read_bytes"), max(0, number(info, "master_sync_total_bytes"))
	if m.copying.IsZero() {
		m.copying = now
	}
	m.attachedAt = now
	if load, err := m.target.info(ctx, "persistence"); err == nil && load["loading"] == "1" {
		e.Left = time.Duration(number(load, "loading_eta_seconds")) * time.Second
		e.Bytes, e.Total = number(load, "loading_loaded_bytes"), number(load, "loading_total_bytes")
		e.Text = fmt.Sprintf("%s%% loaded", load["loading_loaded_perc"])
		return
	}
	if d := now.Sub(m.copying).Seconds(); d > 0 {
		e.Rate = float64(e.Bytes) / d
	}
	if e.Total == 0 { // diskless: nobody knows
		e.Text = fmt.Sprintf("%s, %s/s", Size(e.Bytes), Size(int64(e.Rate)))
		return
	}
	if e.Rate > 0 {
		e.Left = time.Duration(float64(e.Total-e.Bytes) / e.Rate * float64(time.Second))
	}
	e.Text = fmt.Sprintf("%s of %s, %s/s", Size(e.Bytes), Size(e.Total), Size(int64(e.Rate)))
}
