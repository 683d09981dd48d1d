package engine

import (
	"net"
	"time"

	"github.com/shardring/shardring/shard/config"
)

// keepAliveProbes are sent to a client that is silent; when none of them is
// answered it is gone.
const keepAliveProbes = 3

// keepAliveOf returns how clients of a pool are probed, as Redis does by its
// tcp-keepalive: after client_keepalive of silence, and then three times as often.
func keepAliveOf(cfg *config.Pool) net.KeepAliveConfig {
	if d := cfg.ClientKeepAlive; d > 0 {
		return net.KeepAliveConfig{Enable: true, Idle: max(d, time.Second), Interval: max(d/3, time.Second), Count: keepAliveProbes}
	}
	return net.KeepAliveConfig{Enable: cfg.TCPKeepAlive, Idle: -1, Interval: -1, Count: -1}
}
