// Package progress shows how far something long is: as a bar where a terminal
// is, else as a line now and then, so that a log says that it goes on.
//
// A Progress belongs to one goroutine.
package progress

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Lines come so often where there is no terminal.
const every = 10 * time.Second

// Progress shows one thing after another.
type Progress struct {
	w        io.Writer
	terminal bool
	now      func() time.Time

	what string // under way; "": nothing is
	bar  *progressbar.ProgressBar
	next time.Time // of the next line
}

// New shows on w.
func New(w io.Writer, terminal bool) *Progress {
	return &Progress{w: w, terminal: terminal, now: time.Now}
}

// Show says that done of total have been done of what. Another what than before
// begins anew. The total may change; what is done may be more.
func (p *Progress) Show(what string, done, total int64) {
	total = max(total, done, 1)
	if what != p.what {
		p.End()
		p.what, p.next = what, p.now().Add(every)
		if p.terminal {
			p.bar = progressbar.NewOptions64(total,
				progressbar.OptionSetWriter(p.w), progressbar.OptionSetDescription(what),
				progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("keys"),
				progressbar.OptionSetWidth(30), progressbar.OptionThrottle(65*time.Millisecond), progressbar.OptionClearOnFinish())
		}
	}
	if p.bar != nil {
		if p.bar.GetMax64() != total {
			p.bar.ChangeMax64(total)
		}
		_ = p.bar.Set64(min(done, total-1)) // the last one ends it
		return
	}
	if now := p.now(); !now.Before(p.next) {
		p.next = now.Add(every)
		fmt.Fprintf(p.w, "%s: %d of %d (%.0f%%)\n", what, done, total, 100*float64(done)/float64(total))
	}
}

// End takes the bar away, so that something else can be printed.
func (p *Progress) End() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	p.bar, p.what = nil, ""
}
