package memcache

import "bytes"

// Status is what a Parser made of the bytes it has.
type Status uint8

const (
	Incomplete Status = iota // more bytes are needed
	Complete                 // a request
	TooLong                  // no request: memcached closes the connection
)

const (
	// maxKey is the longest key.
	maxKey = 250
	// maxLine is the longest line but for get, gets, gat and gats: a server that has more of one
	// than that and not its end gives the connection up.
	maxLine = 2048
	// maxGetLine is the longest line of these. memcached has no limit for get and gets; gat and
	// gats are sent to it in several lines.
	maxGetLine = 64 << 20
	// maxTokens is how many words of a line memcached looks at, but for get and its like.
	maxTokens = 23
)

// Span is a key's place in its line.
type Span struct{ Off, End uint32 }

// Of returns the key's bytes.
func (s Span) Of(line []byte) []byte { return line[s.Off:s.End:s.End] }

// Parser cuts requests. Between two requests it is reset; within one it keeps how far
// it came, so a line that arrives in n pieces is searched once. The zero value is
// ready.
type Parser struct {
	// MaxData is the longest value that is taken, 0: no limit. One that is longer is
	// answered at once: see Request.Swallow.
	MaxData int
	// First says that nothing has been parsed of the connection: only then it may turn out
	// to speak the binary protocol.
	First bool
	// Req is the request, if Parse said Complete; valid until the next Parse.
	Req Request

	seen int // bytes that hold no end of the line
	need int // length of the request, once its line is there

	tokens []Span
	keys   []Span
	words  []byte // the line without what is for the proxy
	key    []byte // decoded
}

// Reset prepares for the next request.
func (p *Parser) Reset() { p.seen, p.need = 0, 0 }

// Need returns a lower bound of the request's length, from what has been read of it.
func (p *Parser) Need() int { return max(p.need, p.seen+1) }

// Lend gives the list of keys that only requests with more than few keys need to a
// parser that many share, if it has none so long and this one is not longer than most.
func (p *Parser) Lend(to *Parser, few, most int) {
	if n := cap(p.keys); n > few {
		if n <= most && n > cap(to.keys) {
			to.keys = p.keys[:0]
		}
		p.keys = nil
	}
}

// Parse looks for one request at the start of b, which holds the same request as at the
// last call, and perhaps more of it. It returns the request's length with Complete.
func (p *Parser) Parse(b []byte) (n int, st Status) {
	if p.need > len(b) {
		return 0, Incomplete
	}
	if p.First && len(b) > 0 && b[0] == binaryMagic {
		return p.binary(b)
	}
	i := bytes.IndexByte(b[min(p.seen, len(b)):], '\n')
	if i < 0 {
		p.seen = len(b)
		if len(b) > maxLine && (len(b) > maxGetLine || !isGet(b)) {
			return 0, TooLong
		}
		return 0, Incomplete
	}
	i += p.seen
	p.seen = i
	line := b[:i]
	if i > 1 && line[i-1] == '\r' {
		line = line[:i-1]
	}
	clean := true
	if nul := bytes.IndexByte(line, 0); nul >= 0 {
		line, clean = line[:nul], false // memcached's lines are C's strings
	}
	p.Req = Request{Line: line, Clean: clean, Args: p.keys[:0]}
	size := p.understand(line)
	if size < 0 {
		return i + 1, Complete
	}
	if p.MaxData > 0 && size > p.MaxData {
		p.answer("SERVER_ERROR object too large for cache")
		p.Req.Swallow = size + 2
		return i + 1, Complete
	}
	end := i + 1 + size + 2
	if len(b) < end {
		p.need = end
		return 0, Incomplete
	}
	p.Req.Data = b[i+1 : end]
	return end, Complete
}

// isGet reports whether the start of a line is that of a request which may be of any
// length.
func isGet(b []byte) bool {
	b = bytes.TrimLeft(b[:min(len(b), 100)], " ")
	for _, name := range [...]string{"get ", "gets ", "gat ", "gats "} {
		if bytes.HasPrefix(b, []byte(name)) {
			return true
		}
	}
	return false
}

// next returns the next word of a line at or after at; End is 0 if there is none.
func next(line []byte, at int) Span {
	for at < len(line) && line[at] == ' ' {
		at++
	}
	if at == len(line) {
		return Span{}
	}
	end := bytes.IndexByte(line[at:], ' ')
	if end < 0 {
		return Span{uint32(at), uint32(len(line))}
	}
	return Span{uint32(at), uint32(at + end)}
}

// split returns the words of a line, as many as memcached looks at.
func (p *Parser) split(line []byte) []Span {
	t := p.tokens[:0]
	for at := 0; len(t) < maxTokens; {
		w := next(line, at)
		if w.End == 0 {
			break
		}
		t = append(t, w)
		at = int(w.End)
	}
	p.tokens = t
	return t
}

// rewrite makes the line to be sent of all words but one.
func (p *Parser) rewrite(but int) {
	w := p.words[:0]
	for i, t := range p.tokens {
		if i == but {
			continue
		}
		if len(w) > 0 {
			w = append(w, ' ')
		}
		w = append(w, t.Of(p.Req.Line)...)
	}
	p.words = w
	p.Req.Line, p.Req.Clean = w, false
}
