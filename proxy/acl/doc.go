// Package acl says what a client may do: users with rules in the syntax of
// Redis's ACL SETUSER, their passwords, and the check of one request. Verdicts,
// error texts and descriptions are those of Redis 7.0, and tests compare them
// with a redis-server.
//
//	users, err := acl.ForPool(pool) // of the configuration: every wrong rule is named
//	if err != nil { … }
//	user := users.Initial() // nil: the client has to log in
//	…
//	user, ok := users.Authenticate(name, password)
//	…
//	cmd, err := table.Resolve(request)
//	…
//	if !user.Unlimited() {
//		if err := user.Check(cmd, request, &scratch); err != nil {
//			reply(err) // NOPERM …
//		}
//	}
//
// It knows no sessions and no sockets. What it cannot see is what a script does:
// the servers run scripts as the proxy's own user, so a user who may EVAL or
// FCALL may use every command and key in them, whatever its other rules say.
//
// A User and Users never change once made: any number of goroutines may use
// them. A Scratch belongs to one goroutine.
package acl
