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
	line bool      // a line of Say is there, without its end
	next time.Time // of the next line
}

// New shows on w.
func New(w io.Writer, terminal bool) *Progress {
	return &Progress{w: w, terminal: terminal, now: time.Now}
}

// Show says that done of total keys have been done of what. Another what than before
// begins anew. The total may change; what is done may be more.
func (p *Progress) Show(what string, done, total int64) {
	total = max(total, done, 1)
	p.show(what, done, total, fmt.Sprintf("%d of %d (%.0f%%)", done, total, 100*float64(done)/float64(total)),
		progressbar.OptionShowIts(), progressbar.OptionSetItsString("keys"))
}

// Bytes is Show of bytes; text is the line where no terminal is.
func (p *Progress) Bytes(what string, done, total int64, text string) {
	p.show(what, done, max(total, done, 1), text, progressbar.OptionShowBytes(true), progressbar.OptionUseIECUnits(true))
}

// Say shows how far what is where no total is known.
func (p *Progress) Say(what, text string) {
	p.begin(what)
	if !p.terminal {
		p.lineNow(what, text)
		return
	}
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
	fmt.Fprintf(p.w, "\r\033[K%s: %s", what, text)
	p.line = true
}

// begin ends what was shown before, if it was something else.
func (p *Progress) begin(what string) {
	if what != p.what {
		p.End()
		p.what, p.next = what, p.now().Add(every)
	}
}

func (p *Progress) show(what string, done, total int64, text string, as ...progressbar.Option) {
	p.begin(what)
	if !p.terminal {
		p.lineNow(what, text)
		return
	}
	if p.bar == nil {
		p.clear()
		p.bar = progressbar.NewOptions64(total, append(as,
			progressbar.OptionSetWriter(p.w), progressbar.OptionSetDescription(what), progressbar.OptionShowCount(),
			progressbar.OptionSetWidth(30), progressbar.OptionThrottle(65*time.Millisecond), progressbar.OptionClearOnFinish())...)
	}
	if p.bar.GetMax64() != total {
		p.bar.ChangeMax64(total)
	}
	_ = p.bar.Set64(min(done, total-1)) // the last one ends it
}

// lineNow prints a line when it is time for one.
func (p *Progress) lineNow(what, text string) {
	if now := p.now(); !now.Before(p.next) {
		p.next = now.Add(every)
		fmt.Fprintf(p.w, "%s: %s\n", what, text)
	}
}

func (p *Progress) clear() {
	if p.line {
		fmt.Fprint(p.w, "\r\033[K")
		p.line = false
	}
}

// End takes the bar away, so that something else can be printed.
func (p *Progress) End() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	p.clear()
	p.bar, p.what = nil, ""
}
