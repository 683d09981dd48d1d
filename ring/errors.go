package ring

import (
	"errors"
	"strings"
)

// ErrNotComparable is returned by [Diff], wrapped with the reason, for two
// rings that do not share one hash space.
var ErrNotComparable = errors.New("rings are not comparable")

// ErrNoLiveShard is returned by [Ring.Without] when no shard is left to own
// a key.
var ErrNoLiveShard = errors.New("no live shard is left")

// A ConfigError says what is wrong with a [Config] or with a tag.
type ConfigError struct {
	Field   string // the field as written in Config, e.g. "Shards[2].Weight"
	Shard   int    // index of the shard at fault, -1 when it is not one shard's
	Value   string // the value refused, quoted when it is text
	Reason  string // what is wrong with it
	Allowed string // what may stand there, empty when Reason says it all
}

func (e *ConfigError) Error() string {
	var b strings.Builder
	b.WriteString("ring: ")
	b.WriteString(e.Field)
	if e.Value != "" {
		b.WriteByte(' ')
		b.WriteString(e.Value)
	}
	b.WriteString(": ")
	b.WriteString(e.Reason)
	if e.Allowed != "" {
		b.WriteString("; allowed: ")
		b.WriteString(e.Allowed)
	}
	return b.String()
}
