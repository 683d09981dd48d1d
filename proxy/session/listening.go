package session

import (
	"bytes"
	"net"
	"strconv"

	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/resp"
)

// To its clients the proxy is the server, so CONFIG GET says of where it listens how
// they reached it, and CONFIG SET changes nothing about it: told to the shards, it
// would take them from their addresses.

// listening are these settings, and how a server's refusal to change one begins.
var listening = [...]struct{ name, refusal string }{
	{"port", "Unable to listen on this port"},
	{"tls-port", "Unable to listen on this port"},
	{"bind", "Failed to bind to specified addresses"},
}

// listeningAt returns the value of a setting of listening, as the client reached the
// proxy.
func (s *Session) listeningAt(name string) string {
	_, local, _ := s.endpoint()
	host, port, err := net.SplitHostPort(local)
	if err != nil || host == "" || host[0] == '/' { // a unix socket
		host, port = "", "0"
	}
	switch name {
	case "port":
		return port
	case "bind":
		return host
	}
	return "0" // no TLS
}

// setsListening reports whether a CONFIG SET names a setting of listening.
func setsListening(a *arguments) bool {
	for i := 2; i < a.Len(); i += 2 {
		for _, l := range listening {
			if isWord(a.At(i), l.name) {
				return true
			}
		}
	}
	return false
}

// configSet takes CONFIG SET name value …. The shards are told of all of it that is
// not about listening, or, if it is refused, of nothing.
func (s *Session) configSet(cmd *command.Command, a *arguments) {
	if a.Len()%2 != 0 || !setsListening(a) { // any server explains a syntax error
		s.everywhere(cmd, a)
		return
	}
	rest := [][]byte{a.At(0), a.At(1)}
	var seen [len(listening)]bool
	for i := 2; i < a.Len(); i += 2 {
		name, value := a.At(i), a.At(i+1)
		ours := false
		for j, l := range listening {
			if !isWord(name, l.name) {
				continue
			}
			if err := s.keepListening(j, value, seen[j]); err != "" {
				s.refuse(command.Error("ERR CONFIG SET failed (possibly related to argument '" + string(name) + "') - " + err))
				return
			}
			ours, seen[j] = true, true
		}
		if !ours {
			rest = append(rest, name, value)
		}
	}
	if len(rest) == 2 {
		s.begin().finish(okReply)
		return
	}
	b := resp.AppendArray(nil, len(rest))
	for _, word := range rest {
		b = resp.AppendBulk(b, word)
	}
	s.everywhere(cmd, &arguments{frame: b})
}

// keepListening returns why listening[i] cannot be set to a value, again if it was
// said before, or "" if that is what it is.
func (s *Session) keepListening(i int, value []byte, again bool) string {
	l := listening[i]
	if again {
		return "duplicate parameter"
	}
	if string(value) == s.listeningAt(l.name) {
		return ""
	}
	if l.name != "bind" {
		n, err := strconv.Atoi(string(value))
		if err != nil {
			return "argument couldn't be parsed into an integer"
		}
		if n < 0 || n > 65535 {
			return "argument must be between 0 and 65535 inclusive"
		}
	}
	return l.refusal + ": shardring: where the proxy listens is in its configuration file, and where a server does is that server's own"
}

// mergeSettings: CONFIG GET, names and values in turn; the first shard's, but for
// where the proxy listens.
func mergeSettings(g *gather, out *iobuf.Queue) error {
	p, s := &g.parts[0], g.req.session
	text := make([]byte, p.reply.Len())
	p.reply.Peek(text)
	if !bytes.Contains(text, []byte("port\r\n")) && !bytes.Contains(text, []byte("bind\r\n")) {
		return mergeFirst(g, out)
	}
	r := flatReader{rest: text}
	n := r.pairs()
	b := s.appendMap(nil, n)
	for range n {
		name, value := r.text(), r.text()
		for _, l := range listening {
			if name == l.name {
				value = s.listeningAt(name)
			}
		}
		b = resp.AppendBulk(resp.AppendBulk(b, name), value)
	}
	if r.err != nil {
		return p.unexpected(string(text))
	}
	out.Append(s.core.buffer, b)
	return nil
}
