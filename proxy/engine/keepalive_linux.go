package engine

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/shardring/shardring/shard/config"
)

// keepAlive does what keepAliveOf says. A client's socket for which the kernel does
// not take it is served all the same.
func keepAlive(fd int, cfg *config.Pool) {
	k := keepAliveOf(cfg)
	if !k.Enable {
		return
	}
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	if k.Idle < 0 {
		return // the system's own times
	}
	seconds := func(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, seconds(k.Idle))
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, seconds(k.Interval))
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, k.Count)
}
