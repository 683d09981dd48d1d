package shard

import (
	"context"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/command"
)

// txState is where a Conn is between WATCH and EXEC.
type txState uint8

const (
	txNone     txState = iota
	txWatching         // WATCH was said: a connection is held
	txQueueing         // MULTI was said: commands are written down
)

func (s txState) String() string {
	return [...]string{"none", "watching", "queueing"}[s]
}

// session is a Conn's transaction.
//
//	none ──WATCH──▶ watching ──MULTI──▶ queueing ──EXEC, DISCARD──▶ none
//	  │                │ UNWATCH            ▲
//	  │                ▼                    │
//	  │               none                  │
//	  └───────────────MULTI─────────────────┘
type session struct {
	draft
	state  txState
	failed bool // a command or a WATCH was refused: EXEC aborts
}

var (
	errNestedMulti  = redis.Error("ERR MULTI calls can not be nested")
	errWatchInMulti = redis.Error("ERR WATCH inside MULTI is not allowed")
	errNoMulti      = redis.Error("ERR EXEC without MULTI")
	errNoDiscard    = redis.Error("ERR DISCARD without MULTI")
	errExecAbort    = redis.Error("EXECABORT Transaction discarded because of previous errors.")
)

// begin makes the session ready for a first WATCH or MULTI.
func (s *session) begin(c *Client, v *view, state txState) {
	if s.state == txNone {
		s.draft = draft{c: c, v: v, shard: anyShard}
		s.failed = false
	}
	s.state = state
}

// end forgets the transaction and lets go of its connection.
func (s *session) end(ctx context.Context) {
	s.release(ctx)
	*s = session{}
}

// transact answers MULTI and what belongs to it.
func (s *session) transact(ctx context.Context, deadline time.Time, c *Client, v *view, cmd *command.Command, r *request) (any, error) {
	switch cmd.Name {
	case "multi":
		if s.state == txQueueing {
			return answer(errNestedMulti)
		}
		s.begin(c, v, txQueueing)
	case "watch":
		if s.state == txQueueing {
			return answer(errWatchInMulti)
		}
		s.begin(c, v, txWatching)
		if err := s.watch(ctx, deadline, r); err != nil {
			s.failed = true // what follows must not take the key for watched
			return answer(err)
		}
	case "unwatch":
		if s.state == txQueueing { // as in Redis, of no use there
			return s.write(*r)
		}
		s.end(ctx)
	case "discard":
		if s.state != txQueueing {
			return answer(errNoDiscard)
		}
		s.end(ctx)
	case "exec":
		if s.state != txQueueing {
			return answer(errNoMulti)
		}
		defer s.end(ctx)
		if s.failed {
			return answer(errExecAbort)
		}
		reply, err := s.exec(ctx, deadline)
		if err != nil {
			return answer(err)
		}
		return errorsAsReplies(reply), nil
	}
	return "OK", nil
}

// errorsAsReplies makes errors in EXEC's reply what redigo has there.
func errorsAsReplies(reply any) any {
	values, _ := reply.([]any)
	for i, v := range values {
		if e, ok := v.(error); ok {
			if _, replied := e.(redis.Error); !replied {
				values[i] = redis.Error("ERR " + e.Error())
			}
		}
	}
	return reply
}

// write takes a command into the transaction.
func (s *session) write(r request) (any, error) {
	if err := s.add(r); err != nil {
		s.failed = true
		return answer(err)
	}
	return "QUEUED", nil
}

// refuse notes that a request was answered with an error before it could be
// written down: in a transaction EXEC then aborts. An EXEC that is refused
// itself ends everything, as in Redis.
func (s *session) refuse(ctx context.Context, err error) {
	if e, ok := err.(command.Error); ok && strings.HasPrefix(string(e), "EXECABORT") {
		s.end(ctx)
	}
	s.failed = s.failed || s.state == txQueueing
}
