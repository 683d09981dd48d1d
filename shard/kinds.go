package shard

import (
	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/command"
)

// kind is what a command needs that the shared lines cannot give. The command
// table refuses these, for they mean something else to each who reads it; what
// they are to a client is written here and nowhere else.
type kind uint8

const (
	ordinary   kind = iota
	waits           // BLPOP and the like: a connection of its own, without a time limit
	replicates      // WAIT: every shard, on connections of its own
	transacts       // MULTI and what belongs to it: a Conn
	subscribes      // SUBSCRIBE and the like: a Conn
	publishes       // to the channel's shard
	draws           // RANDOMKEY: the sizes of all shards first
)

func (k kind) String() string {
	return [...]string{"ordinary", "waits", "replicates", "transacts", "subscribes", "publishes", "draws"}[k]
}

// kindOf returns the kind of a command that was resolved: XREAD without BLOCK is
// an ordinary one.
func kindOf(cmd *command.Command) kind {
	if cmd.Route != command.Refused {
		return ordinary
	}
	if cmd.Flags&command.Blocking != 0 {
		return waits
	}
	switch cmd.Name {
	case "wait":
		return replicates
	case "multi", "exec", "discard", "watch", "unwatch":
		return transacts
	case "subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe":
		return subscribes
	case "publish", "spublish":
		return publishes
	case "randomkey":
		return draws
	}
	return ordinary
}

// unfit answers a command whose kind does not go where it was given to.
func unfit(cmd *command.Command, k kind) error {
	switch k {
	case waits, replicates:
		return redis.Error("ERR shardring: '" + cmd.Name + "' may wait, and what stands behind it too: not in a pipeline, use Do")
	case transacts:
		return redis.Error("ERR shardring: '" + cmd.Name + "' needs a connection: use Client.Tx, or a Conn of Client.Get")
	case subscribes:
		return redis.Error("ERR shardring: '" + cmd.Name + "' needs a connection: use Client.Subscribe, or a Conn of Client.Get")
	case draws:
		return redis.Error("ERR shardring: '" + cmd.Name + "' asks the shards twice: not in a pipeline, use Do")
	}
	return redis.Error(cmd.Reason())
}
