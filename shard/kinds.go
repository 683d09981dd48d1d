package shard

import (
	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/command"
)

// kind is what a command needs that the shared lines cannot give: nearly all of
// those that the command table gives a connection of their own.
type kind uint8

const (
	ordinary   kind = iota
	waits           // BLPOP and the like: a connection of its own, without a time limit
	replicates      // WAIT: every shard, on connections of its own
	transacts       // MULTI and what belongs to it: a Conn
	subscribes      // SUBSCRIBE and the like: a Conn
	publishes       // to the channel's shard
	draws           // RANDOMKEY: the sizes of all shards first
	interrupts      // SCRIPT KILL and the like: past what runs, on connections made for it
)

func (k kind) String() string {
	return [...]string{"ordinary", "waits", "replicates", "transacts", "subscribes", "publishes", "draws", "interrupts"}[k]
}

// kindOf returns the kind of a command that was resolved: XREAD without BLOCK is
// an ordinary one.
func kindOf(cmd *command.Command) kind {
	switch {
	case cmd.Name == "publish" || cmd.Name == "spublish":
		return publishes
	case cmd.Merge == command.RandomKey:
		return draws
	case cmd.Route == command.All && cmd.Flags&command.AllowBusy != 0:
		return interrupts
	case cmd.Route != command.Own:
		return ordinary
	case cmd.Name == "wait":
		return replicates
	case cmd.Group == "transactions":
		return transacts
	case cmd.Flags&command.PubSub != 0:
		return subscribes
	}
	return waits
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
