package backend

import (
	"bytes"

	"github.com/shardring/shardring/proxy/memcache"
)

// memcached writes once for each get, whoever asked and however many came together; a get of
// many keys it answers by one write. So gets that wait to be written become one line, and
// its reply is shared out again:
//
//	get a b\r\n  get c\r\n  get d\r\n   ─►  get a b c d\r\n
//	VALUE b …    VALUE d …    END\r\n   ─►  VALUE b … END   END   VALUE d … END
//
// Values come in the order of the keys, without those of keys that are not there. So a value
// belongs to the first call that has its key, behind the key of the value before. Of two
// calls for one key the first has the value if there is one only, which is if the key came
// to be between the two looks at it. Both were under way then, and either may be told either.

const (
	// maxJoined is how long a line of several calls may be: a longer one is not sure to be
	// read at once.
	maxJoined = 2000
	// maxValueLine is longer than any line before a value.
	maxValueLine = 512
	// maxCopied is the size from which a value and its END are handed on one by one.
	maxCopied = 4 << 10
)

var endLine = []byte("END\r\n")

// join has a get go on the line of the call before it, if that is a get too, has the same
// time left and can still be added to. It reports whether the call's request begins with the
// space before its first key.
func (c *Conn) join(call *Call) bool {
	before := c.getter
	joined := before != nil && before == c.calls.tail && before.deadline == call.deadline &&
		int(c.end()-c.lineAt)+call.Get <= maxJoined && c.Out.Trim(len("\r\n"))
	c.getter = call
	if !joined {
		c.lineAt = c.end()
		return false
	}
	c.Stats.RequestBytes -= uint64(len("\r\n"))
	return true
}

// leads reports whether a call's line goes on with the next call's keys.
func (call *Call) leads() bool { return call.next != nil && call.next.joined }

// share is how far the reply to a line of several calls has been shared out.
type share struct {
	on   bool
	sent []byte // the line
	from uint64 // where it begins: see Call.at
	at   int    // in sent: behind the key of the last value
	skip int    // bytes of a value still to come
	line []byte // what has come of a line that is not whole
	own  []byte // scratch
}

// shared reports whether what comes is, or begins, the reply to a line of several calls.
func (c *Conn) shared() bool {
	return c.share.on || c.late == 0 && c.greet.left == 0 && !c.text.Begun() && c.calls.head.leads()
}

// begin takes the line whose reply begins.
func (s *share) begin(c *Conn) error {
	c.forget()
	if s.sent == nil {
		s.sent = make([]byte, maxJoined)
	}
	sent := s.sent[:maxJoined]
	end := bytes.IndexByte(sent[:c.kept.Peek(sent)], '\n')
	if end < 0 {
		return errUnexpected // it has not been sent whole
	}
	s.on, s.sent, s.from, s.at = true, sent[:end-1], c.calls.head.at, len("get")
	return nil
}

// has reports whether a key is one of a call's behind that of the last value, and goes there.
func (s *share) has(key []byte, call *Call) bool {
	end := len(s.sent)
	if call.leads() {
		end = int(call.next.at - s.from)
	}
	for s.at < end { // where a space is
		word := s.at + 1
		if after := word + len(key); after <= end && (after == end || s.sent[after] == ' ') && bytes.Equal(s.sent[word:after], key) {
			s.at = after
			return true
		}
		i := bytes.IndexByte(s.sent[word:end], ' ')
		if i < 0 {
			s.at = end
			break
		}
		s.at = word + i
	}
	return false
}

// shareOut hands the start of b, which belongs to the reply to a line of several calls, to
// these. It returns its length.
func (c *Conn) shareOut(b []byte) (n int, err error) {
	s := &c.share
	if !s.on {
		if err := s.begin(c); err != nil {
			return 0, err
		}
	}
	from := 0 // b[from:n] is the first call's, which has not been given it
	for n < len(b) {
		if s.skip > 0 {
			k := min(s.skip, len(b)-n)
			n += k
			s.skip -= k
			continue
		}
		held := len(s.line) > 0 // and n is 0
		if key, head, size := memcache.Value(b[n:]); head > 0 && !held {
			if from, err = c.pass(key, b, from, n); err != nil {
				return 0, err
			}
			n, s.skip = n+head, size
			continue
		}
		i := bytes.IndexByte(b[n:], '\n')
		if i < 0 {
			if s.line = append(s.line, b[n:]...); len(s.line) > maxValueLine {
				return 0, memcache.ReplyError("a line that does not end")
			}
			c.give(b[from:n])
			return len(b), nil
		}
		end := n + i + 1
		line := b[n:end]
		if held {
			s.line = append(s.line, line...)
			line = s.line
		}
		key, size, ok := memcache.ValueLine(line)
		if !ok {
			if !bytes.Equal(line, endLine) && !memcache.IsError(string(line)) {
				return 0, memcache.ReplyError("neither a value nor the end of values")
			}
			if err := memcache.Refuses(bytes.TrimSuffix(line, []byte("\n"))); err != nil {
				return 0, err
			}
			c.conclude(b[from:n], line)
			return end, nil
		}
		if from, err = c.pass(key, b, from, n); err != nil {
			return 0, err
		}
		n, s.skip = end, size
		if held {
			c.give(line)
			from, s.line = end, s.line[:0]
		}
	}
	c.give(b[from:n])
	return n, nil
}

// pass ends the calls that a value with this key, at b[n], is not of; b[from:n] is the
// first one's. It returns from where on b is the value's call's.
func (c *Conn) pass(key, b []byte, from, n int) (int, error) {
	for !c.share.has(key, c.calls.head) {
		if !c.calls.head.leads() {
			return 0, memcache.ReplyError("a value that nobody asked for")
		}
		c.giveLast(b[from:n], endLine)
		from = n
	}
	return from, nil
}

// give hands the first call a part of its reply.
func (c *Conn) give(part []byte) {
	if len(part) > 0 {
		c.answered(c.calls.head, part, false)
	}
}

// giveLast hands the first call what is left of its reply.
func (c *Conn) giveLast(part, line []byte) {
	if len(part) > 0 && len(part) <= maxCopied {
		c.share.own = append(append(c.share.own[:0], part...), line...)
		c.answered(c.calls.head, c.share.own, true)
		return
	}
	c.give(part)
	c.answered(c.calls.head, line, true)
}

// conclude ends the reply by a line that all hear who have not had the end of theirs; part
// is the first one's.
func (c *Conn) conclude(part, line []byte) {
	for more := true; more; part = nil {
		more = c.calls.head.leads()
		c.giveLast(part, line)
	}
	c.share.reset()
}

func (s *share) reset() { s.on, s.skip, s.line = false, 0, s.line[:0] }
