package main

import (
	"context"
	"fmt"
	"io"
	"math"

	"github.com/shardring/shardring/cmd/shardproxy/internal/chart"
	"github.com/shardring/shardring/cmd/shardproxy/internal/progress"
	"github.com/shardring/shardring/cmd/shardproxy/internal/table"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/migrate/audit"
)

// change is what --against prints.
type change struct {
	Pool    string        `json:"pool"`
	Before  string        `json:"before"` // files
	After   string        `json:"after"`
	Moved   *float64      `json:"moved"` // of the hash space; null: the rings cannot be compared
	Why     string        `json:"incomparable,omitempty"`
	Keys    estimate      `json:"keys"`
	Bytes   estimate      `json:"bytes"`
	Total   int64         `json:"total_keys"`
	Sampled int64         `json:"sampled"`
	Flows   []flow        `json:"flows"`
	Shards  []shardChange `json:"shards"`
}

type estimate struct {
	Value  float64 `json:"value"`
	Margin float64 `json:"margin"` // 95%; 0: counted
}

type flow struct {
	From  string   `json:"from"`
	To    string   `json:"to"`
	Share float64  `json:"share"`
	Keys  estimate `json:"keys"`
	Bytes estimate `json:"bytes"`
}

type shardChange struct {
	Name        string  `json:"name"`
	Before      float64 `json:"before"` // shares of the hash space
	After       float64 `json:"after"`
	KeysBefore  float64 `json:"keys_before"`
	KeysAfter   float64 `json:"keys_after"`
	BytesBefore float64 `json:"bytes_before"`
	BytesAfter  float64 `json:"bytes_after"`
}

// compare prints what the other file would move.
func (o *auditOptions) compare(ctx context.Context, out io.Writer, a *audit.Auditor, pool *config.Pool, shown *progress.Progress) error {
	next, _, err := otherPool(o.against, o.name, pool)
	if err != nil {
		return err
	}
	found, err := a.Against(ctx, next)
	shown.End()
	if err != nil {
		return err
	}
	show := ringOptions{source: o.source, svg: o.svg, json: o.json}
	return show.show(out, newChange(o.path, o.against, pool, found))
}

func newChange(before, after string, pool *config.Pool, found *audit.Change) *change {
	c := &change{
		Pool: pool.Name, Before: before, After: after, Total: found.Total, Sampled: found.Sampled,
		Keys: estimate(found.Keys), Bytes: estimate(found.Bytes), Flows: []flow{},
	}
	if found.Difference != nil {
		c.Moved = &found.Difference.Moved
	} else {
		c.Why = found.Incomparable.Error()
	}
	for _, f := range found.Flows {
		c.Flows = append(c.Flows, flow{f.From, f.To, f.Share, estimate(f.Keys), estimate(f.Bytes)})
	}
	for _, s := range found.Shards {
		c.Shards = append(c.Shards, shardChange{s.Name, s.ShareBefore, s.ShareAfter, s.KeysBefore, s.KeysAfter, s.BytesBefore, s.BytesAfter})
	}
	return c
}

// moved says how much of the hash space moves.
func (c *change) moved() string {
	if c.Moved == nil {
		return "shares cannot be compared (" + c.Why + ")"
	}
	return percent(*c.Moved) + " of the hash space moves"
}

func (e estimate) keys() string {
	if e.Margin < 0.5 {
		return grouped(int64(math.Round(e.Value)))
	}
	return fmt.Sprintf("%s ± %s", grouped(int64(math.Round(e.Value))), grouped(int64(math.Ceil(e.Margin))))
}

func (e estimate) bytes() string {
	if e.Margin < 0.5 {
		return size(e.Value)
	}
	return fmt.Sprintf("%s ± %s", size(e.Value), size(e.Margin))
}

func (c *change) print(out io.Writer) error {
	fmt.Fprintf(out, "pool %s, %s to %s: %s\n", c.Pool, c.Before, c.After, c.moved())
	fmt.Fprintf(out, "%s of %s keys, %s, by %s sampled\n", c.Keys.keys(), grouped(c.Total), c.Bytes.bytes(), grouped(c.Sampled))
	if len(c.Flows) > 0 {
		fmt.Fprintln(out)
		t := table.New(out, "FROM", "TO", ">SHARE", ">KEYS", ">BYTES", "")
		most := 0.0
		for _, f := range c.Flows {
			most = max(most, f.Bytes.Value)
		}
		for _, f := range c.Flows {
			share := "-"
			if f.Share > 0 {
				share = percent(f.Share)
			}
			t.Row(f.From, f.To, share, f.Keys.keys(), f.Bytes.bytes(), bar(f.Bytes.Value, most))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	fmt.Fprintln(out)
	t := table.New(out, "SHARD", ">BEFORE", ">AFTER", ">KEYS BEFORE", ">AFTER", ">BYTES BEFORE", ">AFTER")
	about := func(keys float64) string { return grouped(int64(math.Round(keys))) }
	for _, s := range c.Shards {
		t.Row(s.Name, percent(s.Before), percent(s.After), about(s.KeysBefore), about(s.KeysAfter), size(s.BytesBefore), size(s.BytesAfter))
	}
	return t.Flush()
}

// chart is what --svg draws.
func (c *change) chart() chart.Chart {
	ch := chart.Chart{
		Title:    "Pool " + c.Pool + ", before and after",
		Subtitle: fmt.Sprintf("%s to %s", base(c.Before), base(c.After)),
		Note:     fmt.Sprintf("%s: about %s keys, %s", c.moved(), grouped(int64(math.Round(c.Keys.Value))), size(c.Bytes.Value)),
		Before:   true,
	}
	for _, s := range c.Shards {
		ch.Shards = append(ch.Shards, chart.Shard{Name: s.Name, Share: s.After, Before: s.Before})
	}
	return ch
}
