package memcache

import "bytes"

// ReplyError is a reply that memcached does not send: the connection is out of step.
type ReplyError string

func (e ReplyError) Error() string { return "invalid reply: " + string(e) }

// maxReplyLine is longer than any line of a reply.
const maxReplyLine = 8 << 10

// errUnauthenticated is why a connection to a server that wants a login is of no use: it reads
// a request with data as two, and takes a set for the login.
const errUnauthenticated = ReplyError("CLIENT_ERROR unauthenticated: the server wants a login (server_username, server_auth)")

// Refuses returns an error if a line of a reply says that the server wants a login.
func Refuses(line []byte) error {
	if string(bytes.TrimSuffix(line, []byte("\r"))) == "CLIENT_ERROR unauthenticated" {
		return errUnauthenticated
	}
	return nil
}

// Cutter finds the end of replies in a stream. It keeps its place across pieces
// that are cut anywhere. A reply tells by itself how long it is, so nothing has to be
// known of its request: VALUE, STAT, ITEM and PREFIX lines go on until a line of
// another kind, VA has its data behind it, and all else is one line. The zero value
// is at the start of a reply.
type Cutter struct {
	skip  int    // bytes of data still to come, the CRLF included
	last  bool   // the reply ends with them
	begun bool   // a part of the reply has been cut and its end has not
	line  []byte // of the line under way, what earlier pieces held
}

// Begun reports whether a part of a reply has been cut and its end has not.
func (c *Cutter) Begun() bool { return c.begun }

// Cut returns how many bytes at the start of b belong to the current reply, and
// whether it ends there. If done is false all of b was taken.
func (c *Cutter) Cut(b []byte) (n int, done bool, err error) {
	c.begun = true
	for n < len(b) {
		if c.skip > 0 {
			k := min(c.skip, len(b)-n)
			n += k
			c.skip -= k
			if c.skip == 0 && c.last {
				return c.end(n)
			}
			continue
		}
		if len(c.line) == 0 {
			if _, head, data := Value(b[n:]); head > 0 {
				n += head
				c.skip, c.last = data, false
				continue
			}
		}
		i := bytes.IndexByte(b[n:], '\n')
		if i < 0 {
			if len(c.line)+len(b)-n > maxReplyLine {
				return 0, false, ReplyError("a line that does not end")
			}
			c.line = append(c.line, b[n:]...)
			return len(b), false, nil
		}
		line := b[n : n+i]
		n += i + 1
		if len(c.line) > 0 {
			c.line = append(c.line, line...)
			line = c.line
		}
		more, size, err := header(line)
		if err != nil {
			return 0, false, err
		}
		c.line = c.line[:0]
		c.skip, c.last = size, !more
		if !more && size == 0 {
			return c.end(n)
		}
	}
	return n, false, nil
}

func (c *Cutter) end(n int) (int, bool, error) {
	c.begun, c.last = false, false
	return n, true, nil
}

// header reads a line of a reply: whether another follows, and how many bytes of data.
func header(line []byte) (more bool, data int, err error) {
	if len(line) == 0 || !(line[0] >= 'A' && line[0] <= 'Z' || line[0]-'0' <= 9) {
		return false, 0, ReplyError(quote(line))
	}
	switch {
	case line[0] == 'V' && bytes.HasPrefix(line, []byte("VALUE ")):
		_, size, ok := ValueLine(line)
		if !ok {
			return false, 0, ReplyError(quote(line))
		}
		return true, size, nil
	case line[0] == 'V' && bytes.HasPrefix(line, []byte("VA ")):
		size, _ := digits(line[3:])
		if size < 0 {
			return false, 0, ReplyError(quote(line))
		}
		return false, size + 2, nil
	case line[0] == 'S' && bytes.HasPrefix(line, []byte("STAT ")),
		line[0] == 'I' && bytes.HasPrefix(line, []byte("ITEM ")),
		line[0] == 'P' && bytes.HasPrefix(line, []byte("PREFIX ")):
		return true, 0, nil
	case line[0] == 'C':
		return false, 0, Refuses(line)
	}
	return false, 0, nil
}

// valueWord begins the line before a value.
const valueWord = "VALUE "

// Value reads the line at the start of b if it is "VALUE key flags bytes\r\n", as nearly all
// are. It returns the key and the lengths of the line and of the data behind it, CRLF
// included; 0 for the line if it is another one, or not whole.
func Value(b []byte) (key []byte, head, data int) {
	if len(b) < len(valueWord) || string(b[:len(valueWord)]) != valueWord {
		return nil, 0, 0
	}
	i := bytes.IndexByte(b[len(valueWord):min(len(b), len(valueWord)+maxKey+1)], ' ')
	if i <= 0 {
		return nil, 0, 0
	}
	end := len(valueWord) + i
	head, data = behindKey(b, end)
	return b[len(valueWord):end], head, data
}

// ValueOf is Value for a line that most likely has that key, of 1 to 250 bytes.
func ValueOf(b, key []byte) (head, data int) {
	end := len(valueWord) + len(key)
	if len(b) <= end || string(b[:len(valueWord)]) != valueWord || b[end] != ' ' || !bytes.Equal(b[len(valueWord):end], key) {
		return 0, 0
	}
	return behindKey(b, end)
}

// behindKey reads the rest of a VALUE line, from the space at b[at] on.
func behindKey(b []byte, at int) (head, data int) {
	at++
	for flags := at; ; at++ {
		if at == len(b) || at > flags+10 {
			return 0, 0
		}
		if b[at]-'0' > 9 {
			if at == flags || b[at] != ' ' {
				return 0, 0
			}
			break
		}
	}
	size, n := digits(b[at+1:])
	if at += 1 + n; n == 0 || len(b) < at+2 || b[at] != '\r' || b[at+1] != '\n' {
		return 0, 0
	}
	return at + 2, size + 2
}

// ValueLine reads "VALUE key flags bytes[ cas]" and returns the key and the length
// of the data behind the line, its CRLF included.
func ValueLine(line []byte) (key []byte, data int, ok bool) {
	const word = len(valueWord)
	if len(line) < word || string(line[:word]) != valueWord {
		return nil, 0, false
	}
	i := bytes.IndexByte(line[word:], ' ')
	if i <= 0 {
		return nil, 0, false
	}
	key = line[word : word+i]
	rest := line[word+i+1:]
	_, j := digits(rest)
	if j == 0 || j >= len(rest) || rest[j] != ' ' {
		return nil, 0, false
	}
	size, k := digits(rest[j+1:])
	if size < 0 || k == 0 {
		return nil, 0, false
	}
	return key, size + 2, true
}

// digits reads a number of one to ten digits at the start of b and returns how many there
// are; -1 and 0 if there are none, or more.
func digits(b []byte) (v, n int) {
	for n < len(b) && b[n]-'0' <= 9 {
		v = v*10 + int(b[n]-'0')
		if n++; n > 10 {
			return -1, 0
		}
	}
	if n == 0 {
		return -1, 0
	}
	return v, n
}

func quote(line []byte) string {
	const hex = "0123456789abcdef"
	out := []byte{'"'}
	for _, c := range line[:min(len(line), 32)] {
		if c < ' ' || c > '~' {
			out = append(out, '\\', 'x', hex[c>>4], hex[c&15])
		} else {
			out = append(out, c)
		}
	}
	return string(append(out, '"'))
}
