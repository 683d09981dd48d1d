package command

import "bytes"

// The functions of this file look at one request for an option that changes its
// route. Each reads options as the command's own parser in Redis does, and leaves
// a syntax error to the server.

// blocks reports whether an XREAD or XREADGROUP has BLOCK.
func blocks(a Args) bool { return BlockOption(a) > 0 }

// BlockOption returns the position of what follows BLOCK in an XREAD or XREADGROUP, 0
// if it has none. Where nothing follows the position is behind the request.
func BlockOption(a Args) int { return parseStreams(a).block }

// sortsByOtherKeys reports whether a SORT reads keys that it does not name: BY
// or GET with a pattern. Without a "*" BY means no sorting and GET no key.
func sortsByOtherKeys(a Args) bool {
	for i := 2; i < a.Len(); i++ {
		switch arg := a.At(i); {
		case IsKeyword(arg, "limit"):
			i += 2
		case IsKeyword(arg, "store"):
			i++
		case (IsKeyword(arg, "by") || IsKeyword(arg, "get")) && i+1 < a.Len():
			i++
			if bytes.IndexByte(a.At(i), '*') >= 0 {
				return true
			}
		}
	}
	return false
}
