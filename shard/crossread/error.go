package crossread

import (
	"fmt"
	"strings"
)

// Error is an error reply in place of a result.
type Error struct {
	Text string // of the whole reply, its code first: "ERR syntax error"
	// Request is the index of the request whose shard is to blame, for the
	// caller to name it: the shard's own error, or a reply that cannot be one. It
	// is -1 if one server with all the keys would say the same, and for MaxBytes.
	Request int
}

// Error returns the text.
func (e *Error) Error() string { return e.Text }

// refuse returns the error of a request that no shard is to blame for.
func refuse(text string) *Error { return &Error{text, -1} }

// failed returns the error for a request that a shard answered with one. A key
// of the wrong type is the client's matter, everything else the shard's.
func failed(i int, text string) *Error {
	if strings.HasPrefix(text, "WRONGTYPE ") {
		return refuse(text)
	}
	return &Error{text, i}
}

// invalid returns the error for a reply that is not what its request asks for.
func (p *Plan) invalid(i int, format string, args ...any) *Error {
	return &Error{fmt.Sprintf("ERR invalid reply to %s: %s", p.Requests[i].Name, fmt.Sprintf(format, args...)), i}
}

// Check returns the error that answers the request if its replies hold so many
// bytes, nil if they may. AppendReply and Reply check too; a caller that
// receives piece by piece need not wait for the rest of what is too much.
func (p *Plan) Check(bytes int64) error {
	if p.MaxBytes > 0 && bytes > p.MaxBytes {
		return refuse(fmt.Sprintf("ERR %s over several shards: the replies hold more than %d bytes", strings.ToUpper(p.op.name), p.MaxBytes))
	}
	return nil
}
