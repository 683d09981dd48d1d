package chart

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// draw returns a chart as text, and fails if that is not XML.
func draw(t *testing.T, c Chart) string {
	t.Helper()
	var b strings.Builder
	if err := c.WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	dec := xml.NewDecoder(strings.NewReader(b.String()))
	for {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			return b.String()
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, b.String())
		}
	}
}

func TestNamesAreText(t *testing.T) {
	svg := draw(t, Chart{Title: `<script>"&`, Shards: []Shard{
		{Name: "a<b>&\"c\"\x01\xff", Share: 1},
		{Name: strings.Repeat("long", 60)},
	}})
	if strings.Contains(svg, "<script>") || strings.Contains(svg, "\x01") {
		t.Error("a name is markup")
	}
	if !strings.Contains(svg, "long…</text>") && !strings.Contains(svg, "…</text>") {
		t.Error("a long name is not cut")
	}
}

// TestNothing: shares of 0 and a single arc draw no broken numbers.
func TestNothing(t *testing.T) {
	for _, c := range []Chart{
		{Shards: []Shard{{Name: "a"}}},
		{Shards: []Shard{{Name: "a"}}, Before: true},
		{Shards: []Shard{{Name: "a", Share: 1, Ideal: 1}}, Arcs: []Arc{{0, 1, 0}}},
	} {
		if svg := draw(t, c); strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("broken numbers in\n%s", svg)
		}
	}
}

// TestBounded: a ring of 100,000 arcs is drawn with no more pieces than can be
// seen, and every shard is in it.
func TestBounded(t *testing.T) {
	const shards, arcs = 50, 100_000
	c := Chart{}
	for i := range shards {
		c.Shards = append(c.Shards, Shard{Name: fmt.Sprint(i), Share: 1.0 / shards})
	}
	for i := range arcs {
		c.Arcs = append(c.Arcs, Arc{float64(i) / arcs, float64(i+1) / arcs, i * 7 % shards})
	}
	svg := draw(t, c)
	if n := strings.Count(svg, "Z"); n > 1/resolution+1 {
		t.Errorf("%d pieces", n)
	}
	if n := strings.Count(svg, `<path fill=`); n < shards/2 {
		t.Errorf("%d shards are in the circle", n)
	}
}
