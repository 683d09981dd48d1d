// Package chart draws how keys are shared out as a self-contained SVG: a bar
// for each shard's share beside its ideal one or the one before, and the ring
// itself as a circle of coloured arcs.
//
// It knows shares and arcs, no rings and no files. A Chart is only read.
package chart

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// Chart is what is drawn.
type Chart struct {
	Title, Subtitle, Note string
	Shards                []Shard
	Before                bool  // draw Shard.Before beside Share, in place of Shard.Ideal
	Arcs                  []Arc // none: no circle
}

// Shard is one bar. Shares are parts of 1.
type Shard struct {
	Name                 string
	Share, Ideal, Before float64
}

// Arc is a part of the circle, from 0 to 1, that belongs to Shards[Shard].
type Arc struct {
	From, To float64
	Shard    int
}

const (
	margin     = 28
	head       = 92 // above the bars
	foot       = 44
	barsWidth  = 340
	valueWidth = 70
	charWidth  = 7.2 // of a label's, about
	maxLabel   = 30  // characters of a name
	outer      = 150 // radii of the circle
	inner      = 92
	few        = 40 // shards that get tall rows
)

// WriteSVG writes the chart.
func (c Chart) WriteSVG(w io.Writer) error {
	row := 26.0
	if len(c.Shards) > few {
		row = 16
	}
	labels := 6
	most := 0.0
	for _, s := range c.Shards {
		labels = max(labels, min(maxLabel, utf8.RuneCountInString(s.Name)))
		most = max(most, s.Share, s.Ideal, s.Before)
	}
	left := margin + float64(labels)*charWidth + 12
	width := left + barsWidth + valueWidth + margin
	if c.Before {
		width += valueWidth // it shows both
	}
	height := head + row*float64(len(c.Shards)) + foot
	if len(c.Arcs) > 0 {
		width += 2*outer + margin
		height = max(height, 2*margin+2*outer)
	}

	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif" role="img">`+"\n",
		width, height, width, height)
	fmt.Fprintf(&b, "<title>%s</title>\n", escape(c.Title+": "+c.Note))
	b.WriteString(`<rect width="100%" height="100%" fill="#fff"/>` + "\n")
	text(&b, margin, 36, `font-size="19" font-weight="600" fill="#1f2328"`, c.Title)
	text(&b, margin, 57, `font-size="12.5" fill="#59636e"`, c.Subtitle)
	text(&b, margin, 76, `font-size="12.5" fill="#59636e"`, c.Note)
	for i, s := range c.Shards {
		c.bar(&b, i, s, left, head+row*float64(i), row, most)
	}
	c.legend(&b, left, head+row*float64(len(c.Shards))+24)
	if len(c.Arcs) > 0 {
		c.circle(&b, width-margin-outer, margin+outer)
	}
	b.WriteString("</svg>\n")
	_, err := b.WriteTo(w)
	return err
}

// bar draws one row: name, bar, value, and what the bar is measured against.
func (c Chart) bar(b *bytes.Buffer, i int, s Shard, left, top, row, most float64) {
	scale := func(share float64) float64 {
		if most == 0 {
			return 0
		}
		return share / most * barsWidth
	}
	pad := row * 0.18
	h := row - 2*pad
	size := min(13, row*0.75)
	name := s.Name
	if r := []rune(name); len(r) > maxLabel {
		name = string(r[:maxLabel-1]) + "…"
	}
	middle := top + row/2 + size*0.35
	value := fmt.Sprintf("%.2f%%", 100*s.Share)
	if c.Before {
		value = fmt.Sprintf("%.2f%% → %s", 100*s.Before, value)
	}
	fmt.Fprintf(b, "<g><title>%s: %s</title>\n", escape(s.Name), value)
	text(b, left-12, middle, fmt.Sprintf(`font-size="%.1f" fill="#1f2328" text-anchor="end"`, size), name)
	if c.Before {
		fmt.Fprintf(b, `<rect x="%.1f" y="%.2f" width="%.2f" height="%.2f" fill="%s" fill-opacity="0.35"/>`+"\n", left, top+pad, scale(s.Before), h*0.42, colour(i))
		fmt.Fprintf(b, `<rect x="%.1f" y="%.2f" width="%.2f" height="%.2f" fill="%s"/>`+"\n", left, top+pad+h*0.42, scale(s.Share), h*0.58, colour(i))
	} else {
		fmt.Fprintf(b, `<rect x="%.1f" y="%.2f" width="%.2f" height="%.2f" rx="2" fill="%s"/>`+"\n", left, top+pad, scale(s.Share), h, colour(i))
		x := left + scale(s.Ideal)
		fmt.Fprintf(b, `<path d="M%.2f %.2fV%.2f" stroke="#1f2328" stroke-width="1.5"/>`+"\n", x, top+pad-2, top+row-pad+2)
	}
	text(b, left+scale(max(s.Share, s.Ideal, s.Before))+8, middle, fmt.Sprintf(`font-size="%.1f" fill="#59636e"`, size), value)
	b.WriteString("</g>\n")
}

func (c Chart) legend(b *bytes.Buffer, x, y float64) {
	const style = `font-size="12" fill="#59636e"`
	if c.Before {
		fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="14" height="5" fill="#59636e" fill-opacity="0.35"/>`+"\n", x, y-9)
		fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="14" height="6" fill="#59636e"/>`+"\n", x, y-4)
		text(b, x+20, y, style, "before, after")
		return
	}
	fmt.Fprintf(b, `<path d="M%.1f %.1fV%.1f" stroke="#1f2328" stroke-width="1.5"/>`+"\n", x+1, y-11, y+2)
	text(b, x+8, y, style, "ideal share, by weight")
}

// resolution is the narrowest arc that is drawn, a quarter of a pixel or so;
// narrower ones become part of the next.
const resolution = 1.0 / 4000

// circle draws the arcs clockwise from the top, one path for each shard.
func (c Chart) circle(b *bytes.Buffer, x, y float64) {
	paths := make([]strings.Builder, len(c.Shards))
	from := 0.0
	for i, a := range c.Arcs {
		if a.To-from < resolution && i < len(c.Arcs)-1 {
			continue
		}
		sector(&paths[a.Shard], x, y, from, a.To)
		from = a.To
	}
	for i := range paths {
		if paths[i].Len() > 0 {
			fmt.Fprintf(b, `<path fill="%s" d="%s"><title>%s</title></path>`+"\n", colour(i), paths[i].String(), escape(c.Shards[i].Name))
		}
	}
	text(b, x, y-2, `font-size="13" fill="#1f2328" text-anchor="middle"`, "the ring")
	text(b, x, y+16, `font-size="12" fill="#59636e" text-anchor="middle"`, fmt.Sprintf("%d arcs", len(c.Arcs)))
}

// sector adds a piece of the circle to a path. A whole circle is two halves:
// an arc that ends where it begins is none.
func sector(b *strings.Builder, x, y, from, to float64) {
	if to-from > 0.5 {
		sector(b, x, y, from, from+0.5)
		sector(b, x, y, from+0.5, to)
		return
	}
	at := func(r, part float64) (float64, float64) {
		sin, cos := math.Sincos(2 * math.Pi * part)
		return x + r*sin, y - r*cos
	}
	x1, y1 := at(outer, from)
	x2, y2 := at(outer, to)
	x3, y3 := at(inner, to)
	x4, y4 := at(inner, from)
	fmt.Fprintf(b, "M%.2f %.2fA%d %d 0 0 1 %.2f %.2fL%.2f %.2fA%d %d 0 0 0 %.2f %.2fZ",
		x1, y1, outer, outer, x2, y2, x3, y3, inner, inner, x4, y4)
}

func text(b *bytes.Buffer, x, y float64, style, s string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" %s>%s</text>`+"\n", x, y, style, escape(s))
}

// escape makes s text of XML, which has no control characters.
func escape(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return '?'
		}
		return r
	}, s)
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}

// colour is the colour of shard i: ten that differ to the colour-blind too as
// far as ten can, then others around the wheel.
func colour(i int) string {
	first := [...]string{"#3b7ddd", "#e8833a", "#2e9e6b", "#c8456b", "#8b6fd6", "#b8a02c", "#3aa7b8", "#9a6247", "#d58ac0", "#6d7681"}
	if i < len(first) {
		return first[i]
	}
	hue := math.Mod(float64(i)*137.508, 360)
	return fmt.Sprintf("hsl(%.0f,%d%%,%d%%)", hue, 48+i%3*10, 44+i%4*6)
}
