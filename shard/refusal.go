package shard

import (
	"context"
	"errors"
	"strings"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/command"
)

// trouble is why a command may be sent again: it was certainly not executed, or
// executing it twice does no harm.
type trouble uint8

const (
	settled trouble = iota // none: the call has its answer
	lost                   // the connection; once more
	down                   // the node cannot be reached
	refusal                // the node says that it, now, does not execute it
	frozen                 // it was not sent: a failover is under way
	behind                 // it was answered, but stands behind one that was not executed
)

func (t trouble) String() string {
	return [...]string{"settled", "lost", "down", "refusal", "frozen", "behind"}[t]
}

// refusals are the codes by which a node says that it did not execute a command and
// might, later or elsewhere.
var refusals = [...]string{"READONLY", "LOADING", "MASTERDOWN", "NOREPLICAS", "CLUSTERDOWN", "TRYAGAIN"}

// scriptRefusals are how a node says so of a script that has not written anything. A
// script may say anything else itself, after it has.
var scriptRefusals = [...]string{
	"READONLY You can't write against a read only replica.",
	"LOADING Redis is loading the dataset in memory",
	"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
	"NOREPLICAS Not enough good replicas to write.",
}

// refuses says that a reply is a node's word that it has not executed a command as it
// is not the one to ask now.
func refuses(e redis.Error, script bool) bool {
	if script {
		for _, s := range scriptRefusals {
			if strings.HasPrefix(string(e), s) {
				return true
			}
		}
		return false
	}
	word, _, _ := strings.Cut(string(e), " ")
	for _, s := range refusals {
		if word == s {
			return true
		}
	}
	return false
}

// discarded is how EXEC begins to say why it executed nothing.
const discarded = "EXECABORT Transaction discarded because of: "

// refusesTx says that EXEC executed nothing for such a reason.
func refusesTx(err error) bool {
	e, ok := err.(redis.Error)
	why, aborted := strings.CutPrefix(string(e), discarded)
	return ok && aborted && refuses(redis.Error(why), false)
}

// thrownOff says that a server told who waited that it has become a replica.
func thrownOff(err error) bool {
	e, ok := err.(redis.Error)
	return ok && strings.HasPrefix(string(e), "UNBLOCKED force unblock")
}

func runsScript(cmd *command.Command) bool {
	return cmd.Group == "scripting" && cmd.Route == command.Single
}

// troubled says what an attempt's error means. again: the connection was lost, and
// sending the command once more does no harm.
func troubled(ctx context.Context, err error, again, script bool) trouble {
	switch e := err.(type) {
	case nil:
	case redis.Error:
		if refuses(e, script) {
			return refusal
		}
	case *ShardError:
		switch {
		case ctx.Err() != nil:
		case again:
			return lost
		case !e.SafeToRetry || e.sent:
		case greetedWithRefusal(e.Err):
			return refusal
		case outOfReach(e.Err):
			return down
		}
	}
	return settled
}

// greetedWithRefusal says that a server refused to serve a new connection yet.
func greetedWithRefusal(err error) bool {
	var e redis.Error
	return errors.As(err, &e) && refuses(e, false)
}

// outOfReach says that an error of a dial is about the network.
func outOfReach(err error) bool {
	var e redis.Error
	return !errors.Is(err, ErrTimeout) && !errors.Is(err, ErrBacklog) && !errors.Is(err, ErrTooMany) &&
		!errors.Is(err, ErrExhausted) && !errors.Is(err, errTLS) && !errors.Is(err, ErrNoReplica) && !errors.As(err, &e)
}

// refusedBy is the error of a command that a shard's node refused until the call's time
// was over. It says which node, and both errors are found in it.
func (l *link) refusedBy(e redis.Error) *ShardError {
	return &ShardError{Shard: l.shard, Node: l.node.Addr, Err: e, SafeToRetry: true}
}
