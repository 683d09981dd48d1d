package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shardring/shardring/cmd/shardproxy/internal/chart"
	"github.com/shardring/shardring/cmd/shardproxy/internal/table"
	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/shard/config"
)

// ringOptions are the flags of ring.
type ringOptions struct {
	source
	svg, diff string
	json      bool
}

// ringCommand shows how keys are shared out.
func ringCommand() *cobra.Command {
	var o ringOptions
	cmd := &cobra.Command{
		Use:   "ring [-c FILE]",
		Short: "Show how keys are shared out, and what a change would move",
		Long: `Show the exact share of the hash space that each shard owns, beside the ideal
share by its weight. "largest over mean" is the largest share for a unit of
weight over the mean one: how much more the fullest shard holds than it should.

--diff compares with the same pool of another file: the exact share that would
change its shard, from which to which, and the shares before and after.`,
		Example: `  shardproxy ring -c pools.yml
  shardproxy ring -c pools.yml --svg ring.svg
  shardproxy ring -c pools.yml --diff bigger.yml`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.OutOrStdout()) },
	}
	o.fileFlag(cmd)
	o.poolFlag(cmd)
	cmd.Flags().StringVar(&o.svg, "svg", "", "also draw the shares, and the ring, to this `file`; - is standard output, in place of the table")
	cmd.Flags().StringVar(&o.diff, "diff", "", "another configuration `file` to compare with")
	cmd.Flags().BoolVar(&o.json, "json", false, "print one JSON object in place of the table")
	return cmd
}

// view is one pool's ring as it is printed.
type view struct {
	File         string      `json:"-"`
	Pool         string      `json:"pool"`
	Distribution string      `json:"distribution"`
	Hash         string      `json:"hash"`
	Tag          string      `json:"tag"`
	Points       int         `json:"points"`
	Largest      float64     `json:"largest_over_mean"`
	LargestShard string      `json:"largest_shard"`
	Shards       []viewShard `json:"shards"`

	ring *ring.Ring
}

type viewShard struct {
	Name   string  `json:"name"`
	Node   string  `json:"node"`
	Weight int     `json:"weight"`
	Ideal  float64 `json:"ideal"`
	Share  float64 `json:"share"`
}

func newView(file string, pool *config.Pool, r *ring.Ring) *view {
	v := &view{
		File: file, Pool: pool.Name, Distribution: string(r.Placement()), Hash: string(r.Hash()),
		Tag: r.Tag().String(), Points: r.Points(), ring: r,
	}
	total := 0.0
	for _, s := range pool.Shards {
		total += float64(s.Weight)
	}
	for i, share := range r.Shares() {
		s := viewShard{
			Name: r.Name(i), Node: pool.Shards[i].Primary.String(), Weight: pool.Shards[i].Weight,
			Ideal: float64(pool.Shards[i].Weight) / total, Share: share,
		}
		v.Shards = append(v.Shards, s)
		if over := s.Share / s.Ideal; over > v.Largest {
			v.Largest, v.LargestShard = over, s.Name
		}
	}
	return v
}

// about is the ring in one line.
func (v *view) about() string {
	return fmt.Sprintf("pool %s: distribution %s, hash %s, tag %s, %s, %s, largest over mean %.2f (%s)",
		v.Pool, v.Distribution, v.Hash, v.Tag, counted(len(v.Shards), "shard"), counted(v.Points, "point"), v.Largest, v.LargestShard)
}

func (o *ringOptions) run(out io.Writer) error {
	pool, r, err := o.pool()
	if err != nil {
		return err
	}
	now := newView(o.path, pool, r)
	if o.diff == "" {
		return o.show(out, now)
	}
	pool, r, err = otherPool(o.diff, o.name, pool)
	if err != nil {
		return err
	}
	c, err := compare(now, newView(o.diff, pool, r))
	if err != nil {
		return err
	}
	return o.show(out, c)
}

// show prints a ring, or the comparison of two, in the forms that the flags ask for.
func (o *ringOptions) show(out io.Writer, v interface {
	chart() chart.Chart
	print(io.Writer) error
}) error {
	if o.svg != "" {
		if err := o.draw(out, v.chart()); err != nil || o.svg == "-" {
			return err
		}
	}
	if o.json {
		return printJSON(out, v)
	}
	return v.print(out)
}

func printJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// draw writes the chart to where --svg says.
func (o *ringOptions) draw(out io.Writer, c chart.Chart) error {
	if o.svg == "-" {
		return c.WriteSVG(out)
	}
	f, err := os.Create(o.svg)
	if err != nil {
		return err
	}
	if err := c.WriteSVG(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// print shows the shares as a table with bars; the largest share has the
// longest.
func (v *view) print(out io.Writer) error {
	fmt.Fprintln(out, v.about())
	t := table.New(out, "SHARD", "NODE", ">WEIGHT", ">IDEAL", ">SHARE", "")
	most := 0.0
	for _, s := range v.Shards {
		most = max(most, s.Share)
	}
	for _, s := range v.Shards {
		t.Row(s.Name, s.Node, fmt.Sprint(s.Weight), percent(s.Ideal), percent(s.Share), bar(s.Share, most))
	}
	return t.Flush()
}

func percent(share float64) string { return fmt.Sprintf("%.2f%%", 100*share) }

// bar is a bar of at most 32 characters, in eighths.
func bar(share, most float64) string {
	const width = 32
	if most == 0 {
		return ""
	}
	eighths := int(share/most*width*8 + 0.5)
	b := strings.Repeat("█", eighths/8)
	if eighths%8 > 0 {
		b += string([]rune("▏▎▍▌▋▊▉")[eighths%8-1])
	}
	return b
}

// chart is what --svg draws.
func (v *view) chart() chart.Chart {
	c := chart.Chart{
		Title:    "Pool " + v.Pool,
		Subtitle: fmt.Sprintf("distribution %s, hash %s, tag %s: %s, %s", v.Distribution, v.Hash, v.Tag, counted(len(v.Shards), "shard"), counted(v.Points, "point")),
		Note:     fmt.Sprintf("largest over mean %.2f (%s)", v.Largest, v.LargestShard),
	}
	for _, s := range v.Shards {
		c.Shards = append(c.Shards, chart.Shard{Name: s.Name, Share: s.Share, Ideal: s.Ideal})
	}
	for a := range v.ring.Arcs() {
		c.Arcs = append(c.Arcs, chart.Arc{From: a.From, To: a.To, Shard: a.Shard})
	}
	return c
}

// base is a file's name for a legend.
func base(path string) string { return filepath.Base(path) }
