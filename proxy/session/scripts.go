package session

import (
	"crypto/sha1"
	"encoding/hex"
	"slices"
	"strings"
	"sync"

	"github.com/shardring/shardring/shard/command"
)

// scripts are the bodies of those that clients have loaded, by SCRIPT LOAD or EVAL,
// so that they can be loaded again where they are missing: on a shard that was not
// EVAL's, on a node that has come up anew, or has taken another's place.
type scripts struct {
	mu     sync.RWMutex // protects the following fields
	bodies map[digest]string
	known  map[string]bool // the same bodies: an EVAL of one of them needs no digest
	size   int             // bytes of all bodies
	epoch  uint64          // changes when they are forgotten
}

// maxScripts is how many bytes of scripts are kept; a script beyond is not. EVAL
// may take half: there are clients whose every EVAL has another text.
const maxScripts = 16 << 20

// add keeps a body, unless more than limit bytes would then be kept.
func (sc *scripts) add(body []byte, limit int) {
	sc.mu.RLock()
	wanted := sc.wants(body, limit)
	sc.mu.RUnlock()
	if !wanted {
		return
	}
	sum := sha1.Sum(body)
	sc.mu.Lock()
	defer sc.mu.Unlock()
	if !sc.wants(body, limit) {
		return
	}
	if sc.known == nil {
		sc.bodies, sc.known = map[digest]string{}, map[string]bool{}
	}
	var d digest
	hex.Encode(d[:], sum[:])
	text := string(body)
	sc.bodies[d], sc.known[text] = text, true
	sc.size += len(body)
}

func (sc *scripts) wants(body []byte, limit int) bool {
	return sc.size+len(body) <= limit && !sc.known[string(body)]
}

// forget is for SCRIPT FLUSH: what was flushed must not come back.
func (sc *scripts) forget() {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.bodies, sc.known, sc.size = nil, nil, 0
	sc.epoch++
}

// body returns the script of a digest as a client writes it, "" if it is not kept.
func (sc *scripts) body(digest []byte) (body string, epoch uint64) {
	d, ok := digestOf(digest)
	sc.mu.RLock()
	defer sc.mu.RUnlock()
	if ok {
		body = sc.bodies[d]
	}
	return body, sc.epoch
}

// digest is the SHA-1 of a script, in hexadecimal and in lower case.
type digest [2 * sha1.Size]byte

// digestOf reads one, in either case. What is none is no key of bodies either.
func digestOf(b []byte) (d digest, ok bool) {
	for i := 0; len(b) == len(d) && i < len(d); i++ {
		d[i] = b[i]
		if 'A' <= b[i] && b[i] <= 'Z' {
			d[i] += 'a' - 'A'
		}
	}
	return d, len(b) == len(d)
}

// noteScript remembers what a request does to the scripts of the pool.
func (s *Session) noteScript(cmd *command.Command, a *arguments) {
	switch cmd.Name {
	case "eval", "eval_ro":
		s.pool.shared.scripts.add(a.At(1), maxScripts/2)
	case "script|load":
		s.pool.shared.scripts.add(a.At(2), maxScripts)
	case "script|flush":
		s.pool.shared.scripts.forget()
	}
}

// readsOnly reports whether a script says in its first line that it does not write:
// "#!lua flags=no-writes".
func readsOnly(body string) bool {
	line, _, _ := strings.Cut(body, "\n")
	_, flags, ok := strings.Cut(line, " flags=")
	return ok && strings.HasPrefix(line, "#!") && slices.Contains(strings.Split(strings.TrimSpace(flags), ","), "no-writes")
}
