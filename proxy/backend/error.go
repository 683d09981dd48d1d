package backend

import (
	"fmt"
	"strings"
)

// Kind says what went wrong with a call.
type Kind uint8

const (
	Down      Kind = iota // the node cannot be reached; the call was not sent
	Lost                  // the connection ended after the call may have been sent
	Timeout               // no reply within the time limit
	Refused               // the node refused the login or the database
	Busy                  // the node lives, and runs a script or loads its data: Err is its own error reply
	Full                  // as much is under way at the node as may be
	Unwilling             // the node refused it until its time was over: Err is its own error reply
)

func (k Kind) String() string {
	return [...]string{"down", "connection lost", "timeout", "refused", "busy", "busy", "unwilling"}[k]
}

// Error is why a call got no reply. Its text names the shard and the node.
type Error struct {
	Kind  Kind
	Shard string // the shard's name
	Node  string // its address
	Err   error  // the cause
	Sent  bool   // the node may have executed the command
}

func (e *Error) Error() string {
	at := ""
	if e.Node != "" {
		at = " at " + e.Node
	}
	s := fmt.Sprintf("shard '%s'%s: %s: %v", e.Shard, at, e.Kind, e.Err)
	if e.Sent {
		s += "; the command may or may not have been executed"
	}
	return s
}

// Reply returns the error reply, without the "-", that a client gets.
func (e *Error) Reply() string {
	switch e.Kind {
	case Busy:
		return e.Err.Error() // clients know it, and wait
	case Unwilling:
		code, text, _ := strings.Cut(e.Err.Error(), " ")
		return fmt.Sprintf("%s shard '%s' at %s: %s", code, e.Shard, e.Node, text)
	}
	return "ERR " + e.Error()
}

func (e *Error) Unwrap() error { return e.Err }
