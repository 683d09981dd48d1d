package proxy

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/proxy/session"
	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/topology"
)

// learnEvery is how often a pool's nodes are asked for commands at most, and
// learnWithin how long one of them may take.
const (
	learnEvery  = 5 * time.Second
	learnWithin = 2 * time.Second
)

// learn asks a pool's nodes which commands they have, at the start and whenever a
// client uses one that is not known: those of newer servers and of modules are then
// routed by what the nodes say of them.
func learn(ctx context.Context, sh *session.Shared, log *slog.Logger) {
	for {
		n, err := learnOnce(ctx, sh)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.Debug("no node told its commands", "pool", sh.Config().Name, "error", err)
		case n > 0:
			log.Info("commands learned from the nodes", "pool", sh.Config().Name, "commands", n)
		}
		retry := time.NewTimer(learnEvery)
		select {
		case <-ctx.Done():
		case <-retry.C:
		}
		retry.Stop()
		if err != nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-sh.Unknown():
		}
	}
}

// learnOnce asks one node after another until one answers.
func learnOnce(ctx context.Context, sh *session.Shared) (n int, err error) {
	for _, shard := range sh.Topology.Snapshot().Shards {
		var infos []command.Info
		if infos, err = commandsOf(ctx, sh, shard.Primary); err == nil {
			return sh.Learn(infos)
		}
	}
	return 0, err
}

func commandsOf(ctx context.Context, sh *session.Shared, n topology.Node) ([]command.Info, error) {
	ctx, cancel := context.WithTimeout(ctx, learnWithin)
	defer cancel()
	user, password := sh.Config().Login()
	c, err := redis.DialContext(ctx, n.Network, n.Addr, redis.DialUsername(user), redis.DialPassword(password),
		redis.DialReadTimeout(learnWithin), redis.DialWriteTimeout(learnWithin))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	reply, err := redis.Values(redis.DoContext(c, ctx, "COMMAND"))
	if err != nil {
		return nil, fmt.Errorf("COMMAND at %s: %w", n.Addr, err)
	}
	var infos []command.Info
	for _, v := range reply {
		// A server before Redis 7 says less, and has nothing that is not known.
		if info, err := command.ParseInfo(v); err == nil {
			infos = append(infos, info)
		}
	}
	return infos, nil
}
