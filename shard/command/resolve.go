package command

import (
	"bytes"
	"strings"
)

// errorArgBytes is how much of a request Redis quotes in an error.
const errorArgBytes = 128

// Resolve returns the command of a request, the subcommand where the command has
// some, after the checks that Redis makes before it executes anything, and that
// MSET and MSETNX make of their pairs. Its error is an Error with Redis 7.0's own
// text:
//
//   - ERR unknown command 'x', with args beginning with: 'a' 'b'
//   - ERR unknown subcommand 'x'. Try CONFIG HELP.
//   - ERR wrong number of arguments for 'get' command
//
// Where a request's arguments decide about its route, the command returned is a
// variant for this request: XREAD with BLOCK is Refused, XREAD without is Single.
// Resolve allocates nothing unless it returns an error.
func (t *Table) Resolve(a Args) (*Command, error) {
	n := a.Len()
	if n == 0 {
		return nil, Error("ERR unknown command '', with args beginning with: ")
	}
	cmd := t.Lookup(a.At(0))
	if cmd == nil {
		return nil, unknownCommand(a)
	}
	if cmd.subcommands != nil && n > 1 {
		sub := cmd.Subcommand(a.At(1))
		if sub == nil {
			return nil, unknownSubcommand(cmd, a.At(1))
		}
		cmd = sub
	}
	if !cmd.accepts(n) {
		return nil, wrongArity(cmd)
	}
	if cmd.when != nil && cmd.when(a) {
		return cmd.then, nil
	}
	return cmd, nil
}

// Unpaired returns the command of a request that Resolve refuses for nothing but a key
// without a value: MSET k v k. A server finds that only when it executes it, so in a
// transaction it takes the request. Otherwise nil.
func (t *Table) Unpaired(a Args) *Command {
	if a.Len() == 0 {
		return nil
	}
	if cmd := t.Lookup(a.At(0)); cmd != nil && cmd.acceptsArity(a.Len()) && !cmd.accepts(a.Len()) {
		return cmd
	}
	return nil
}

// unknownCommand is commandCheckExistence of Redis's server.c, bounds and
// trailing space included.
func unknownCommand(a Args) Error {
	var args []byte
	for i := 1; i < a.Len() && len(args) < errorArgBytes; i++ {
		args = append(args, '\'')
		args = append(args, cutText(a.At(i), errorArgBytes+1-len(args))...)
		args = append(args, "' "...)
	}
	return oneLine("ERR unknown command '" + string(cutText(a.At(0), errorArgBytes)) +
		"', with args beginning with: " + string(args))
}

func unknownSubcommand(container *Command, name []byte) Error {
	return oneLine("ERR unknown subcommand '" + string(cutText(name, errorArgBytes)) +
		"'. Try " + strings.ToUpper(container.Name) + " HELP.")
}

func wrongArity(cmd *Command) Error {
	code := "ERR "
	if cmd.Name == "exec" {
		// A refused EXEC ends its transaction, and a server says so whether or not
		// there is one.
		code = "EXECABORT Transaction discarded because of: "
	}
	return Error(code + "wrong number of arguments for '" + cmd.Name + "' command")
}

// cutText returns what C's %.*s prints of b: at most limit bytes, and none from a
// zero byte on.
func cutText(b []byte, limit int) []byte {
	b = b[:min(len(b), limit)]
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return b
}

// oneLine keeps a client's bytes from ending the error reply early.
func oneLine(s string) Error {
	return Error(strings.NewReplacer("\r", " ", "\n", " ").Replace(s))
}
