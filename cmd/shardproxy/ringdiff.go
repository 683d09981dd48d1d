package main

import (
	"fmt"
	"io"

	"github.com/shardring/shardring/cmd/shardproxy/internal/chart"
	"github.com/shardring/shardring/cmd/shardproxy/internal/table"
	"github.com/shardring/shardring/ring"
)

// comparison is what changes between two rings.
type comparison struct {
	Pool   string        `json:"pool"`
	Before string        `json:"before"` // files
	After  string        `json:"after"`
	Moved  float64       `json:"moved"`
	Moves  []move        `json:"moves"`
	Shards []beforeAfter `json:"shards"`
}

type move struct {
	From  string  `json:"from"`
	To    string  `json:"to"`
	Share float64 `json:"share"`
}

// beforeAfter is one shard's share in both; 0 where it is not.
type beforeAfter struct {
	Name   string  `json:"name"`
	Before float64 `json:"before"`
	After  float64 `json:"after"`
}

func compare(before, after *view) (*comparison, error) {
	d, err := ring.Diff(before.ring, after.ring)
	if err != nil {
		return nil, err
	}
	c := &comparison{Pool: before.Pool, Before: before.File, After: after.File, Moved: d.Moved, Moves: []move{}}
	for _, m := range d.Moves {
		c.Moves = append(c.Moves, move{m.From, m.To, m.Share})
	}
	at := map[string]int{}
	for _, s := range before.Shards {
		at[s.Name] = len(c.Shards)
		c.Shards = append(c.Shards, beforeAfter{Name: s.Name, Before: s.Share})
	}
	for _, s := range after.Shards {
		i, known := at[s.Name]
		if !known {
			i = len(c.Shards)
			c.Shards = append(c.Shards, beforeAfter{Name: s.Name})
		}
		c.Shards[i].After = s.Share
	}
	return c, nil
}

func (c *comparison) about() string {
	return fmt.Sprintf("pool %s, %s to %s: %s of the hash space moves", c.Pool, c.Before, c.After, percent(c.Moved))
}

func (c *comparison) print(out io.Writer) error {
	fmt.Fprintln(out, c.about())
	if len(c.Moves) > 0 {
		fmt.Fprintln(out)
		t := table.New(out, "FROM", "TO", ">MOVES", "")
		most := 0.0
		for _, m := range c.Moves {
			most = max(most, m.Share)
		}
		for _, m := range c.Moves {
			t.Row(m.From, m.To, percent(m.Share), bar(m.Share, most))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	fmt.Fprintln(out)
	t := table.New(out, "SHARD", ">BEFORE", ">AFTER", ">CHANGE")
	for _, s := range c.Shards {
		t.Row(s.Name, percent(s.Before), percent(s.After), fmt.Sprintf("%+.2f%%", 100*(s.After-s.Before)))
	}
	return t.Flush()
}

// chart is what --svg draws.
func (c *comparison) chart() chart.Chart {
	ch := chart.Chart{
		Title:    "Pool " + c.Pool + ", before and after",
		Subtitle: fmt.Sprintf("%s to %s", base(c.Before), base(c.After)),
		Note:     percent(c.Moved) + " of the hash space moves",
		Before:   true,
	}
	for _, s := range c.Shards {
		ch.Shards = append(ch.Shards, chart.Shard{Name: s.Name, Share: s.After, Before: s.Before})
	}
	return ch
}
