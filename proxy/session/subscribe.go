package session

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/resp"
)

// subscriptions are what a session listens to. A channel is listened to on the
// shard its name hashes to, where PUBLISH goes; a pattern, and a channel of
// keyspace events, on all.
type subscriptions struct {
	of    [3]map[string]bool // by topic
	under *subscribing       // a request whose confirmations have not all come
}

// topic is a kind of subscription.
type topic uint8

const (
	channels topic = iota
	patterns
	shardChannels
)

// subscribing is a SUBSCRIBE or UNSUBSCRIBE, or one of their like, under way.
type subscribing struct {
	r       *Request
	verb    string // as a confirmation has it
	topic   topic
	end     bool
	names   []string
	missing int // confirmations
}

// any reports whether there are subscriptions, as far as a client of RESP2 is
// limited by them.
func (u *subscriptions) any() bool {
	return u != nil && (len(u.of[channels])+len(u.of[patterns])+len(u.of[shardChannels]) > 0 || u.under != nil)
}

// listens reports whether the session is a subscriber of RESP2, whose PING is
// answered like a message.
func (s *Session) listens() bool {
	return s.lane.proto == 2 && s.private != nil && s.private.subs.any()
}

// count is the number that a confirmation of the topic has.
func (u *subscriptions) count(t topic) int {
	if t == shardChannels {
		return len(u.of[shardChannels])
	}
	return len(u.of[channels]) + len(u.of[patterns])
}

// subscribe handles SUBSCRIBE, UNSUBSCRIBE and their like. It returns false as
// handle.
func (s *Session) subscribe(cmd *command.Command, a *arguments) bool {
	if s.fence() {
		return false
	}
	pr := s.priv()
	if pr.subs == nil {
		pr.subs = &subscriptions{}
		s.heat()
	}
	u := &subscribing{verb: cmd.Name, end: strings.Contains(cmd.Name, "unsub")}
	switch cmd.Name[0] {
	case 'p':
		u.topic = patterns
	case 's':
		if cmd.Name != "subscribe" {
			u.topic = shardChannels
		}
	}
	for i := 1; i < a.Len(); i++ {
		u.names = append(u.names, string(a.At(i)))
	}
	if u.end && len(u.names) == 0 {
		u.names = slices.Sorted(maps.Keys(pr.subs.of[u.topic]))
	}
	u.r, pr.subs.under = s.begin(), u
	u.r.mute = false // a confirmation is a push, which CLIENT REPLY leaves alone
	if err := s.tell(u); err != nil {
		pr.subs.under = nil
		u.r.finishError(err.Reply())
		s.end()
		return true
	}
	if u.missing == 0 {
		s.confirm()
	}
	s.fence()
	return true
}

// tell sends each shard what it has to listen to, or no longer.
func (s *Session) tell(u *subscribing) *backend.Error {
	var conns []*owned
	byConn, named := map[*owned][]string{}, map[string]bool{}
	known := s.private.subs.of[u.topic]
	for _, name := range u.names {
		if known[name] != u.end || named[name] {
			continue // nothing changes
		}
		named[name] = true
		for _, o := range s.listening(u, name) {
			if byConn[o] == nil {
				conns = append(conns, o)
			}
			byConn[o] = append(byConn[o], name)
		}
	}
	for _, o := range conns {
		q, err := o.conn.Ask(s.core.now)
		if err != nil {
			return err
		}
		s.pool.limit(o.conn)
		q.Append(s.core.buffer, resp.AppendRequest(nil, append([]string{u.verb}, byConn[o]...)...))
		o.conn.Subscriber = s.lane.proto == 2
		if o.subs[u.topic] == nil {
			o.subs[u.topic] = map[string]bool{}
		}
		for _, name := range byConn[o] { // one that ends is deleted when that is confirmed
			o.subs[u.topic][name] = true
		}
		o.missing = len(byConn[o])
		u.missing += o.missing
	}
	return nil
}

// listening returns the connections on which a name is, or will be, listened to. It
// ends where it began: a channel may be another shard's since then.
func (s *Session) listening(u *subscribing, name string) (conns []*owned) {
	if u.end {
		for _, o := range s.private.conns {
			if o.subs[u.topic][name] {
				conns = append(conns, o)
			}
		}
		return conns
	}
	first, end := s.placesOf(u.topic, name)
	for i := first; i < end; i++ {
		conns = append(conns, s.own(i))
	}
	return conns
}

// everywhere reports whether each node publishes to a channel by itself: events of
// its keys, and of keys that it tracks.
func everywhere(channel string) bool {
	return strings.HasPrefix(channel, "__keyspace@") || strings.HasPrefix(channel, "__keyevent@") || channel == "__redis__:invalidate"
}

// confirm answers the request under way.
func (s *Session) confirm() {
	subs := s.private.subs
	u := subs.under
	subs.under = nil
	known := subs.of[u.topic]
	if known == nil {
		known = map[string]bool{}
		subs.of[u.topic] = known
	}
	var b []byte
	add := func(name string, null bool) {
		b = s.appendPush(b, 3)
		b = resp.AppendBulk(b, u.verb)
		if null {
			b = s.appendNull(b)
		} else {
			b = resp.AppendBulk(b, name)
		}
		b = resp.AppendInt(b, int64(subs.count(u.topic)))
	}
	for _, name := range u.names {
		if u.end {
			delete(known, name)
		} else {
			known[name] = true
		}
		add(name, false)
	}
	if len(u.names) == 0 {
		add("", true)
	}
	s.heat()
	u.r.finish(b)
}

// pushed takes a push that has come whole.
func (s *Session) pushed(o *owned) {
	subs := s.private.subs
	kind := pushKind(&o.push)
	if u := subsUnder(subs); u != nil && kind == u.verb {
		if u.end {
			delete(o.subs[u.topic], pushName(&o.push))
		}
		if !o.listens() {
			o.conn.Subscriber = false
		}
		o.push.Reset(s.core.buffer)
		if o.missing--; o.missing == 0 {
			o.conn.Answered()
		}
		if u.missing--; u.missing == 0 {
			s.confirm()
		}
		return
	}
	if s.phase > draining { // its last reply, perhaps an error amid a SUBSCRIBE, is under way
		o.push.Reset(s.core.buffer)
		return
	}
	if s.lane.proto == 2 && !s.inRESP2(o, kind) {
		o.push.Reset(s.core.buffer)
		return
	}
	if kind == "tracking-redir-broken" {
		o.push.Reset(s.core.buffer)
		s.brokenRedirect()
		return
	}
	if kind == "invalidate" && s.private.track != nil {
		all := isNull(&o.push)
		if all && s.private.forgot {
			o.push.Reset(s.core.buffer)
			return
		}
		s.private.forgot = all
	}
	s.private.held.Take(s.core.buffer, &o.push)
	s.deliver()
}

// inRESP2 gives a push the form of RESP2, in which it is not if the node had yet to
// hear of HELLO 2. It returns false if it has none: RESP2 tells a client of its own
// keys nothing.
func (s *Session) inRESP2(o *owned, kind string) bool {
	b := o.push.Front()
	if b[0] != '>' {
		return true
	}
	b[0] = '*' // a message has the same words in both
	return kind == "message" || kind == "pmessage" || kind == "smessage"
}

// isNull reports whether an invalidation is of all keys.
func isNull(q *iobuf.Queue) bool {
	var buf [32]byte
	b := buf[:q.Peek(buf[:])]
	return bytes.HasSuffix(b, []byte("invalidate\r\n_\r\n"))
}

// push sends the client what it has not asked for.
func (s *Session) push(b []byte) {
	s.private.held.Append(s.core.buffer, b)
	s.deliver()
}

func subsUnder(subs *subscriptions) *subscribing {
	if subs == nil {
		return nil
	}
	return subs.under
}

// deliver gives the client the messages that have come, unless the confirmation of a
// SUBSCRIBE is due first, or a reply has begun to go out or is one of several shards',
// which may have told of its effects before all have replied. That a key has changed
// is told after the replies that have come, for the client may keep what they say of
// it.
func (s *Session) deliver() {
	pr := s.private
	if u := subsUnder(pr.subs); u != nil && !u.end || s.head != nil && (s.head.started || s.head.gather != nil) || pr.track != nil && s.held > 0 {
		return
	}
	s.Out.Take(s.core.buffer, &s.private.held)
	s.touch()
	s.bound()
}

// unheard ends the session: messages are missed on a connection that is lost, or at a
// shard that they no longer go to.
func (s *Session) unheard(why string) {
	if u := subsUnder(s.private.subs); u != nil {
		s.private.subs.under = nil
		s.private.held.Reset(s.core.buffer)
		u.r.finishError(why)
		s.end()
		return
	}
	s.hangUp()
}

// pushKind returns the first word of a push.
func pushKind(q *iobuf.Queue) string {
	var buf [64]byte
	word, _ := afterHeader(buf[:q.Peek(buf[:])], 2) // the lines *3 and $7
	word, _, _ = bytes.Cut(word, []byte("\r\n"))
	return string(word)
}

// pushName returns the second word of a push.
func pushName(q *iobuf.Queue) string {
	b := make([]byte, q.Len())
	q.Peek(b)
	b, _ = afterHeader(b, 3)
	size, rest, _ := bytes.Cut(b, []byte("\r\n"))
	if n, err := strconv.Atoi(strings.TrimPrefix(string(size), "$")); err == nil && n >= 0 && n <= len(rest) {
		return string(rest[:n])
	}
	return ""
}

// afterHeader returns what follows the first lines of b.
func afterHeader(b []byte, lines int) (rest []byte, ok bool) {
	for range lines {
		if _, b, ok = bytes.Cut(b, []byte("\r\n")); !ok {
			return nil, false
		}
	}
	return b, true
}
