package history

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// Outcome is what a writer was told.
type Outcome uint8

const (
	Acked   Outcome = iota // it was executed
	Failed                 // it was not and will not be executed
	Unknown                // it may have been, or may be later, once
)

func (o Outcome) String() string {
	return [...]string{"acknowledged", "failed", "unknown"}[o]
}

// Kind is what is wrong with an answer or with what was found.
type Kind uint8

const (
	Malformed  Kind = iota // no reply that the command has
	Foreign                // it belongs to another key or request
	Unwritten              // nobody wrote that
	Undone                 // its writer was told that it was not executed
	Stale                  // older than what was acknowledged before the request
	Twice                  // executed more often than asked
	Disordered             // not in the order of the writes
	Lost                   // acknowledged, and not there
)

func (k Kind) String() string {
	return [...]string{"malformed", "foreign", "unwritten", "undone", "stale", "twice", "disordered", "lost"}[k]
}

// Violation is one answer that nothing explains.
type Violation struct {
	Kind  Kind
	Shard string
	Key   string
	Text  string // what was seen and what would have been right
}

func (v Violation) String() string {
	return fmt.Sprintf("%s: %s of shard %s: %s", v.Kind, v.Key, v.Shard, v.Text)
}

// Verdict is what was found so far.
type Verdict struct {
	Wrong      int         // violations
	Violations []Violation // the first of them

	Acked, Failed, Unknown int // writes by outcome
	Reads                  int // answers that were judged
	Older                  int // answers older than acknowledged writes, where that was allowed
	Lost                   int // acknowledged writes that audits missed where that was forgiven
}

const kept = 50 // violations; the others are counted

// History is the keys of one run.
type History struct {
	reads, older, lost     atomic.Int64
	acked, failed, unknown atomic.Int64

	mu         sync.Mutex // protects the following fields
	wrong      int
	violations []Violation
}

// New returns a history in which nothing has happened.
func New() *History { return &History{} }

// Verdict returns what was found so far.
func (h *History) Verdict() Verdict {
	h.mu.Lock()
	defer h.mu.Unlock()
	return Verdict{
		Wrong: h.wrong, Violations: append([]Violation(nil), h.violations...),
		Acked: int(h.acked.Load()), Failed: int(h.failed.Load()), Unknown: int(h.unknown.Load()),
		Reads: int(h.reads.Load()), Older: int(h.older.Load()), Lost: int(h.lost.Load()),
	}
}

func (h *History) ended(o Outcome) {
	switch o {
	case Acked:
		h.acked.Add(1)
	case Failed:
		h.failed.Add(1)
	case Unknown:
		h.unknown.Add(1)
	}
}

// Leniency is what a shard is forgiven.
type Leniency uint8

const (
	Strict Leniency = iota
	Older           // reads may be answered with what was overwritten, as a primary does that has been replaced
	Lossy           // also, acknowledged writes may be lost, as by asynchronous replication when a primary ends
)

func (l Leniency) String() string { return [...]string{"strict", "older", "lossy"}[l] }

// Shard is the keys that live and fail together.
type Shard struct {
	history *History
	name    string
	allowed atomic.Uint32 // a Leniency
	dirty   atomic.Bool
}

// Shard adds a shard.
func (h *History) Shard(name string) *Shard { return &Shard{history: h, name: name} }

// Allow says what the shard is forgiven from now on. To end Lossy, every key has to be
// audited before, which is when they learn what is left.
func (s *Shard) Allow(l Leniency) { s.allowed.Store(uint32(l)) }

func (s *Shard) lossy() bool { return Leniency(s.allowed.Load()) == Lossy }

func (s *Shard) older() bool { return Leniency(s.allowed.Load()) >= Older }

// Dirty lets reads see what is lost later, until it is acknowledged: where a write
// counts as acknowledged only when replicas have it, readers may be ahead of that.
func (s *Shard) Dirty() { s.dirty.Store(true) }

// binds is whether what a read saw must not be gone later.
func (s *Shard) binds() bool { return !s.dirty.Load() && !s.older() }

// Wrong adds a violation that needs no key's history, as a reply of another
// command's type.
func (s *Shard) Wrong(kind Kind, key, format string, args ...any) {
	h := s.history
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wrong++
	if len(h.violations) < kept {
		h.violations = append(h.violations, Violation{kind, s.name, key, fmt.Sprintf(format, args...)})
	}
}

// missing counts or reports acknowledged writes that an audit did not find.
func (s *Shard) missing(key string, count int, format string, args ...any) {
	if s.lossy() {
		s.history.lost.Add(int64(count))
		return
	}
	s.Wrong(Lost, key, format, args...)
}
