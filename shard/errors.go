package shard

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/internal/baton"
)

// ErrCrossSlot answers a command whose keys are on different shards and which
// cannot be split. The text is Redis Cluster's.
const ErrCrossSlot = redis.Error(command.CrossShard)

// Errors that have no data. What a server answers is a redis.Error; what
// happens to a shard is a *ShardError, which may wrap one of these.
var (
	// ErrClosed answers every use of a closed Client or Conn.
	ErrClosed = errors.New("shard: closed")
	// ErrTimeout: no reply within Config.Timeout. errors.Is(err,
	// os.ErrDeadlineExceeded) holds too, as with redigo.
	ErrTimeout = baton.ErrTimeout
	// ErrBacklog: more is waiting to be written to the shard than
	// Config.MaxUnsent; the command was not sent.
	ErrBacklog = baton.ErrBacklog
	// ErrTooMany: the node owes the client Config.MaxInFlight replies; the command was
	// not sent.
	ErrTooMany = baton.ErrTooMany
	// ErrExhausted: the node has Config.MaxActive connections of one's own, and
	// none came free in time.
	ErrExhausted = errors.New("every connection of one's own is in use")
	// ErrTxAborted: a watched key was changed, so nothing of the transaction
	// was executed.
	ErrTxAborted = errors.New("shard: transaction aborted: a watched key was changed")
	// ErrTxRefused: the node does not execute the transaction, as it is not the shard's
	// primary any more or not yet able to; the redis.Error says which. Nothing was
	// executed, and the caller may call Tx again.
	ErrTxRefused = errors.New("transaction refused")
	// ErrNoReplica: only replicas are to be read from, and none may be.
	ErrNoReplica = errors.New("no replica may be read from")
	// ErrEjected: in a cache, every shard is ejected.
	ErrEjected = errors.New("every shard is ejected")
)

// ShardError says why a shard gave no reply.
type ShardError struct {
	Shard string // its name
	Node  string // the address of its server
	Err   error  // the cause: of the network, ErrTimeout, the context's error, ErrBacklog, ErrTooMany
	// SafeToRetry is true if the command was certainly not executed, or only
	// reads. False means that it may or may not have been executed.
	SafeToRetry bool

	sent bool // it may have reached the node, whatever it does there
}

func (e *ShardError) Error() string {
	s := fmt.Sprintf("shard '%s' at %s: %v", e.Shard, e.Node, e.Err)
	if !e.SafeToRetry {
		s += "; the command may or may not have been executed"
	}
	return s
}

func (e *ShardError) Unwrap() error { return e.Err }

// Timeout makes a ShardError a net.Error as far as callers ask it.
func (e *ShardError) Timeout() bool { return errors.Is(e.Err, os.ErrDeadlineExceeded) }

// refused is an error reply of our own: both the reply and the error, as
// redigo returns a server's.
func refused(e command.Error) (any, error) { return redis.Error(e), redis.Error(e) }

// named puts the shard's name behind the code of an error reply, for a reply
// that several shards made together.
func named(e redis.Error, shard string) redis.Error {
	code, rest, _ := strings.Cut(string(e), " ")
	return redis.Error(code + " shard '" + shard + "': " + rest)
}
