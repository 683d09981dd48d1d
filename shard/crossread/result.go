package crossread

import (
	"slices"

	"github.com/shardring/shardring/shard/resp"
)

// result is the reply of one server that holds all the keys.
type result struct {
	kind    resultKind
	n       int64
	members []member
}

// member is one of a set or sorted set.
type member struct {
	name  []byte
	score float64
}

// resultKind is what a result looks like in RESP.
type resultKind uint8

const (
	integer resultKind = iota // n
	set                       // members in any order, which RESP3 says
	list                      // members in order
	scored                    // members in order, each with its score
)

// AppendReply appends the client's reply to dst, in version 2 or 3 of RESP.
// replies[i] is the complete reply to Requests[i], in either version; it does
// not change during the call. The error is an [*Error], and dst as it was.
func (p *Plan) AppendReply(dst []byte, proto int, replies [][]byte) ([]byte, error) {
	r, err := p.combine(len(replies), func(i int) (reply, error) { return parseReply(replies[i]) })
	if err != nil {
		return dst, err
	}
	return r.append(slices.Grow(dst, r.atMost()), proto), nil
}

// atMost returns about how many bytes the result takes.
func (r *result) atMost() int {
	const framing, score = len("$100\r\n\r\n"), len("$24\r\n-1.2345678901234567e-100\r\n*2\r\n")
	n := 32 + len(r.members)*framing
	if r.kind == scored {
		n += len(r.members) * score
	}
	for _, m := range r.members {
		n += len(m.name)
	}
	return n
}

func (r *result) append(dst []byte, proto int) []byte {
	switch {
	case r.kind == integer:
		return resp.AppendInt(dst, r.n)
	case r.kind == scored && proto == 2:
		dst = resp.AppendArray(dst, 2*len(r.members))
	default:
		header := len(dst)
		dst = resp.AppendArray(dst, len(r.members))
		if r.kind == set && proto == 3 {
			dst[header] = '~'
		}
	}
	var digits []byte
	for _, m := range r.members {
		if r.kind != scored {
			dst = resp.AppendBulk(dst, m.name)
			continue
		}
		digits = appendDouble(digits[:0], m.score)
		if proto == 2 {
			dst = resp.AppendBulk(dst, m.name)
			dst = resp.AppendBulk(dst, digits)
			continue
		}
		dst = resp.AppendArray(dst, 2)
		dst = resp.AppendBulk(dst, m.name)
		dst = append(dst, ',')
		dst = append(dst, digits...)
		dst = append(dst, "\r\n"...)
	}
	return dst
}

// Reply returns the reply as redigo does: int64, or []any of []byte, a score
// being text behind its member. replies[i] answers Requests[i]: a value as from
// redigo, or the error that the server replied. The result shares their memory.
// The error is an [*Error].
func (p *Plan) Reply(replies []any) (any, error) {
	r, err := p.combine(len(replies), func(i int) (reply, error) { return valueReply(replies[i]) })
	if err != nil {
		return nil, err
	}
	if r.kind == integer {
		return r.n, nil
	}
	values := make([]any, 0, len(r.members))
	for _, m := range r.members {
		values = append(values, m.name)
		if r.kind == scored {
			values = append(values, appendDouble(nil, m.score))
		}
	}
	return values, nil
}
