// Package command knows Redis's commands and plans one request: which of its
// arguments are keys, whether one shard, several or all of them answer it, how
// their replies become one, or why it is refused. The library and the proxy
// share this table, so they agree.
//
// It knows no sockets, no ring and no topology: it says "these arguments are
// keys and must be on one shard", and the caller, who has the ring, finds the
// shard and answers [CrossShard] when they are not. It does not validate what a
// command's own server will: options, numbers, types.
//
//	table := command.Builtin()
//	cmd, err := table.Resolve(request) // Redis's own error text: unknown, arity
//	switch {
//	case err != nil:
//		reply(err)
//	case cmd.Route == command.Refused:
//		reply(cmd.Reason())
//	case cmd.KeyPos > 0: // most requests: one key, always at this position
//		send(ring.Owner(request.At(cmd.KeyPos)))
//	default:
//		keys, err = cmd.Keys(keys[:0], request)
//		…
//	}
//
// What Redis says of its commands (zz_table.go) is generated from a running
// redis-server; what we make of it is in routes.go, one row with a reason for
// every command whose route its own key specifications do not decide.
//
// A Table and its Commands never change once built: any number of goroutines
// may use them.
package command

//go:generate go run ./gen -o zz_table.go
