// Package baton lets many goroutines share one redigo connection, pipelined
// by themselves: whoever has something to send writes for all, and the
// caller that has waited longest reads. There is no goroutine in the
// background, and a lone caller does what redis.Conn.Do does: one write, one
// read, no channel.
//
//	l := baton.New(netConn, baton.Options{Stall: time.Second})
//	reply, err := l.Do(ctx, deadline, "GET", []any{"key"})
//
// It is not a pool, knows no shards and dials nothing: when a line is broken
// its owner makes another. It carries commands with exactly one reply each;
// those that change the connection's state (MULTI, SUBSCRIBE, blocking ones)
// must not be sent over it. All methods of Line may be called concurrently.
package baton
