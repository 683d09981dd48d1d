package command

import (
	"crypto/sha1"
	"encoding/hex"
)

// standInFunc appends what stands for the key of a request that has none.
type standInFunc func(dst []byte, a Args) []byte

// StandIn appends what stands for the key of a Single request that Keys finds
// none in: its shard is the one that owns these bytes as a key. For a script they
// are its SHA-1 in lower-case hex, whether the request brings the script (EVAL) or
// the digest (EVALSHA), so both reach one shard; for a function its name; else the
// command's name, so that any request has a shard to answer or to explain an error.
// The request must have passed Resolve.
func (c *Command) StandIn(dst []byte, a Args) []byte {
	if c.stand == nil || a.Len() < 2 {
		return append(dst, c.Name...)
	}
	return c.stand(dst, a)
}

func scriptDigest(dst []byte, a Args) []byte {
	sum := sha1.Sum(a.At(1))
	return hex.AppendEncode(dst, sum[:])
}

// channel takes the first argument: a channel's name.
func channel(dst []byte, a Args) []byte { return append(dst, a.At(1)...) }

// firstArgument takes it in lower case: Redis compares digests and the names of
// functions in any case.
func firstArgument(dst []byte, a Args) []byte {
	for _, b := range a.At(1) {
		dst = append(dst, lowerByte(b))
	}
	return dst
}
