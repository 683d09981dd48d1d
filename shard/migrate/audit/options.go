package audit

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"
)

// The most that Options take.
const (
	MaxSamples       = 100_000_000
	MaxKeysPerSecond = 1_000_000_000
)

// Options are settings of an Auditor. The zero value of each means its default.
type Options struct {
	// Scanners is the number of servers that are scanned at once. Default 16.
	Scanners int
	// Movers is the number of keys that are deleted or moved at once, each over
	// connections of its own. Default 8.
	Movers int
	// KeysPerSecond bounds what is scanned, deleted or moved, of all servers
	// together. 0: no limit.
	KeysPerSecond int
	// Samples is the number of keys of each server that Against looks at; on a
	// server with fewer it looks at all. Default 10,000.
	Samples int
	// Examples is the number of keys of each pair of shards that a Report
	// names. Default 3; less than 0: none.
	Examples int
	// FromReplicas scans a replica of each server in place of the primary,
	// where one is linked to it. What is deleted or moved is the primary's.
	FromReplicas bool

	// FindTimeout bounds how long the primaries are looked for. Default 5 s.
	FindTimeout time.Duration
	// Timeout bounds one reply of a server. Default 30 s.
	Timeout time.Duration
	// Dial connects to servers and Sentinels. Default: a net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Log hears of primaries that are not where the file says. Default: nobody.
	Log *slog.Logger

	// Progress is told how far the method under way is, some ten times a second
	// and once at its end. Default: nobody.
	Progress func(Progress)
}

// Progress is how far a method is.
type Progress struct {
	Phase Phase
	Done  int64 // keys
	// Total is how many keys there are to be. For Finding and Sampling it is what
	// the servers had at the start, so Done may come out somewhat different.
	Total int64
	Found int64 // Finding: misplaced keys
}

// Phase is what an Auditor does.
type Phase uint8

const (
	Finding Phase = iota
	Deleting
	Repairing
	Sampling
)

func (p Phase) String() string {
	return [...]string{"finding", "deleting", "repairing", "sampling"}[p]
}

const progressEvery = 100 * time.Millisecond

// OptionError says what is wrong with Options.
type OptionError struct {
	Field   string
	Value   int64
	Allowed string
}

func (e *OptionError) Error() string {
	return fmt.Sprintf("audit: %s %d: want %s", e.Field, e.Value, e.Allowed)
}

// withDefaults returns a copy with every zero value replaced.
func (o Options) withDefaults() (Options, error) {
	for _, f := range []struct {
		name     string
		value    *int
		def, max int
	}{
		{"Scanners", &o.Scanners, 16, 1024},
		{"Movers", &o.Movers, 8, 1024},
		{"Samples", &o.Samples, 10_000, MaxSamples},
		{"KeysPerSecond", &o.KeysPerSecond, 0, MaxKeysPerSecond},
	} {
		if *f.value == 0 {
			*f.value = f.def
		}
		if *f.value < 0 || *f.value > f.max {
			return o, &OptionError{f.name, int64(*f.value), fmt.Sprintf("1 to %d, or 0 for the default", f.max)}
		}
	}
	if o.Examples == 0 {
		o.Examples = 3
	}
	for _, f := range []struct {
		name  string
		value *time.Duration
		def   time.Duration
	}{{"FindTimeout", &o.FindTimeout, 5 * time.Second}, {"Timeout", &o.Timeout, 30 * time.Second}} {
		if *f.value == 0 {
			*f.value = f.def
		}
		if *f.value < 0 {
			return o, &OptionError{f.name, int64(*f.value), "more than 0 ns, or 0 for the default"}
		}
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	return o, nil
}
