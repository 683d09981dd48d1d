package openloop

import (
	"bytes"
	"errors"
	"fmt"
)

// requests are all requests one after the other, so that a connection's next
// ones lie in one piece.
type requests struct {
	ring []byte
	size int // of one
}

func newRequests(list [][]byte) requests {
	return requests{bytes.Join(list, nil), len(list[0])}
}

// from is the bytes to send from a position of an endless stream of requests,
// want of them or fewer if the ring ends before.
func (r requests) from(position, want int) []byte {
	begin := position % len(r.ring)
	return r.ring[begin:min(begin+want, len(r.ring))]
}

var errUnasked = errors.New("a reply to no request")

// replies cuts what one connection has read.
type replies struct {
	want []byte
	part int // bytes of a reply that is not whole yet
	done int // replies
}

// take looks at the next bytes read. asked is how many requests have been
// sent on the connection.
func (r *replies) take(b []byte, asked int) error {
	for len(b) > 0 {
		if r.done == asked {
			return errUnasked
		}
		n := min(len(b), len(r.want)-r.part)
		if !bytes.Equal(b[:n], r.want[r.part:r.part+n]) {
			return fmt.Errorf("reply %d is %.60q…, want %.60q…", r.done, b, r.want[r.part:])
		}
		b = b[n:]
		if r.part += n; r.part == len(r.want) {
			r.part = 0
			r.done++
		}
	}
	return nil
}
