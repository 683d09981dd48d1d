package session

import (
	"crypto/sha1"
	"encoding/hex"
	"slices"
	"strings"
	"sync"

	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/resp"
)

// scripts are the bodies of those that clients have loaded, by SCRIPT LOAD or EVAL,
// so that they can be loaded again where they are missing: on a shard that was not
// EVAL's, on a node that has come up anew, or has taken another's place.
type scripts struct {
	mu     sync.RWMutex      // protects the following fields
	bodies map[string]string // by digest
	known  map[string]bool   // the same bodies: an EVAL of one of them needs no digest
	size   int               // bytes of all bodies
	epoch  uint64            // changes when they are forgotten
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
		sc.bodies, sc.known = map[string]string{}, map[string]bool{}
	}
	text := string(body)
	sc.bodies[hex.EncodeToString(sum[:])], sc.known[text] = text, true
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

func (sc *scripts) body(digest string) (body string, epoch uint64) {
	sc.mu.RLock()
	defer sc.mu.RUnlock()
	return sc.bodies[digest], sc.epoch
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

// reload loads the script of an EVALSHA before it, over a connection that has not
// carried this script since it was made.
func (s *Session) reload(shard int, cmd *command.Command, a *arguments) {
	if cmd.Name != "evalsha" && cmd.Name != "evalsha_ro" {
		return
	}
	digest := strings.ToLower(string(a.At(1)))
	body, epoch := s.pool.shared.scripts.body(digest)
	if body == "" {
		return
	}
	conn := s.conn(shard)
	if conn.ScriptsEpoch == epoch && conn.Scripts[digest] {
		return
	}
	l := &loading{conn: conn, digest: digest}
	l.call.To = l
	_, q, err := s.pool.beginOn(conn, &l.call)
	if err != nil {
		return
	}
	if conn.Scripts == nil || conn.ScriptsEpoch != epoch { // also if it was just dialled
		conn.Scripts, conn.ScriptsEpoch = map[string]bool{}, epoch
	}
	conn.Scripts[digest] = true
	b := resp.AppendRequest(nil, "SCRIPT", "LOAD", body)
	conn.Stats.RequestBytes += uint64(len(b))
	q.Append(s.core.buffer, b)
}

// loading is a script on its way to a node.
type loading struct {
	call   backend.Call
	conn   *backend.Conn
	digest string
	begun  bool
}

// Reply: a node that refuses, because it is loading its data, is told again.
func (l *loading) Reply(_ *backend.Call, part []byte, _ bool) {
	if !l.begun && part[0] == '-' {
		delete(l.conn.Scripts, l.digest)
	}
	l.begun = true
}

func (*loading) Fail(*backend.Call, *backend.Error) {}

// readsOnly reports whether a script says in its first line that it does not write:
// "#!lua flags=no-writes".
func readsOnly(body string) bool {
	line, _, _ := strings.Cut(body, "\n")
	_, flags, ok := strings.Cut(line, " flags=")
	return ok && strings.HasPrefix(line, "#!") && slices.Contains(strings.Split(strings.TrimSpace(flags), ","), "no-writes")
}
