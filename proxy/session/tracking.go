package session

import (
	"slices"
	"strconv"
	"strings"

	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/resp"
)

// tracking is CLIENT TRACKING: the nodes tell of keys that change. It is on for the
// session's own connections to all shards, over which everything of the session
// goes while it is.
type tracking struct {
	bcast, optin, optout, noloop bool
	redirect                     uint64 // the session that is told; 0: this one
	prefixes                     []string
	caching                      string // YES or NO: what is to be said before the next command
	broken                       bool   // the session that is told has gone
}

// options reads those of CLIENT TRACKING, from position 3 on.
func (t *tracking) options(a *arguments) error {
	for i := 3; i < a.Len(); i++ {
		more := i+1 < a.Len()
		switch opt := a.At(i); {
		case isWord(opt, "redirect") && more:
			i++
			if t.redirect != 0 {
				return command.Error("ERR A client can only redirect to a single other client")
			}
			id, err := strconv.ParseInt(string(a.At(i)), 10, 64)
			if err != nil {
				return errInteger
			}
			t.redirect = uint64(id)
		case isWord(opt, "bcast"):
			t.bcast = true
		case isWord(opt, "optin"):
			t.optin = true
		case isWord(opt, "optout"):
			t.optout = true
		case isWord(opt, "noloop"):
			t.noloop = true
		case isWord(opt, "prefix") && more:
			i++
			t.prefixes = append(t.prefixes, string(a.At(i)))
		default:
			return errSyntax
		}
	}
	return nil
}

// fits returns why t cannot follow the options that are on, which may be nil.
func (t *tracking) fits(old *tracking) error {
	const before = " before disabling tracking for this client, and then re-enabling it with a different mode."
	switch {
	case !t.bcast && len(t.prefixes) > 0:
		return command.Error("ERR PREFIX option requires BCAST mode to be enabled")
	case old != nil && old.bcast != t.bcast:
		return command.Error("ERR You can't switch BCAST mode on/off" + before)
	case t.bcast && (t.optin || t.optout):
		return command.Error("ERR OPTIN and OPTOUT are not compatible with BCAST")
	case t.optin && t.optout:
		return command.Error("ERR You can't specify both OPTIN mode and OPTOUT mode")
	case old != nil && (t.optin && old.optout || t.optout && old.optin):
		return command.Error("ERR You can't switch OPTIN/OPTOUT mode" + before)
	}
	return nil
}

// request is what a node is told; redirect is the id there of who is told.
func (t *tracking) request(redirect int64) []byte {
	words := []string{"CLIENT", "TRACKING", "ON"}
	if redirect != 0 {
		words = append(words, "REDIRECT", strconv.FormatInt(redirect, 10))
	}
	for _, opt := range []struct {
		on   bool
		word string
	}{{t.bcast, "BCAST"}, {t.optin, "OPTIN"}, {t.optout, "OPTOUT"}, {t.noloop, "NOLOOP"}} {
		if opt.on {
			words = append(words, opt.word)
		}
	}
	for _, p := range t.prefixes {
		words = append(words, "PREFIX", p)
	}
	return resp.AppendRequest(nil, words...)
}

// clientTracking takes CLIENT TRACKING ON|OFF and its options.
func (s *Session) clientTracking(_ *command.Command, a *arguments) bool {
	if s.fence() {
		return false
	}
	t := &tracking{}
	if err := t.options(a); err != nil {
		s.refuse(err)
		return true
	}
	switch {
	case isWord(a.At(2), "off"):
		s.trackNot()
	case !isWord(a.At(2), "on"):
		s.refuse(errSyntax)
	default:
		if err := t.fits(s.priv().track); err != nil {
			s.refuse(err)
			return true
		}
		s.track(t)
		s.fence()
	}
	return true
}

// track turns tracking on, at the nodes.
func (s *Session) track(t *tracking) {
	r := s.begin()
	if t.redirect == 0 {
		s.trackAt(r, t, make([]int64, len(s.pool.snap.Shards)))
		return
	}
	pool := s.pool.Name
	f := &filter{ids: []uint64{t.redirect}}
	// Who is told gets a connection of its own to every node, whose ids there are
	// what the nodes are told.
	c := s.core
	nobody := func(*Core) { r.finishError("ERR The client ID you want redirect to does not exist") }
	survey(c, func(peer *Core) bool { return len(peer.matching(pool, f)) > 0 }, func(found []bool) {
		i := slices.Index(found, true)
		if i < 0 || !on(c, i, func(peer *Core) {
			all := peer.matching(pool, f)
			if len(all) == 0 { // it has gone since then
				on(peer, c.index, nobody)
				return
			}
			all[0].pin(func(ids []int64) {
				on(peer, c.index, func(*Core) { s.trackAt(r, t, ids) })
			})
		}) {
			nobody(c)
		}
	})
}

// on calls f with core i, now if that is c. It returns false if that core's loop has
// ended.
func on(c *Core, i int, f func(*Core)) bool {
	if i == c.index {
		f(c)
		return true
	}
	return c.peers.Post(i, f)
}

// trackAt has every node track; ids are those to redirect to, by shard.
func (s *Session) trackAt(r *Request, t *tracking, ids []int64) {
	if r.session == nil {
		r.core.release(r)
		return
	}
	if slices.Contains(ids, 0) && t.redirect != 0 || len(ids) != len(s.pool.snap.Shards) { // there are other shards by now
		r.finishError("ERR shardring: the client you want redirect to has no connection to a shard")
		return
	}
	pr, before := s.priv(), s.priv().track
	if pr.track != nil && t.bcast {
		t.prefixes = append(pr.track.prefixes, t.prefixes...)
	}
	g := s.core.newGather(command.AllOK)
	g.req, r.gather = r, g
	for i := range s.pool.snap.Shards {
		g.parts = append(g.parts, part{shard: i})
	}
	g.missing = len(g.parts) + 1
	own := *t
	if pr.track != nil { // the nodes have the earlier prefixes
		own.prefixes = t.prefixes[len(pr.track.prefixes):]
	}
	s.setTracking(t)
	for i := range g.parts {
		s.own(i)
		if q := g.send(i); q != nil {
			q.Append(s.core.buffer, own.request(ids[i]))
		}
	}
	g.after = func(ok bool) {
		if !ok && s.private != nil {
			s.setTracking(before)
			s.stain() // some nodes may have done it
		}
	}
	g.sent()
}

// setTracking has the session track as t says, nil for not at all, and counts those
// that do.
func (s *Session) setTracking(t *tracking) {
	pr := s.priv()
	if now := t != nil; now != (pr.track != nil) {
		if now {
			s.pool.shared.tracking.Add(1)
		} else {
			s.pool.shared.tracking.Add(-1)
		}
	}
	pr.track = t
}

// pin gives the session a connection of its own to every node, for as long as it
// lives, and calls done with their ids there, 0 where there is none.
func (s *Session) pin(done func(ids []int64)) {
	pr := s.priv()
	ids := make([]int64, len(s.pool.snap.Shards))
	if s.phase != open || s.lane.proto == 2 && subsUnder(pr.subs) != nil {
		done(ids) // it is about to go, or what is said now would be answered like a message
		return
	}
	pr.pinned = true
	s.fence() // what it says next goes over connections that it gets now
	missing := 1
	arrived := func() {
		if missing--; missing > 0 {
			return
		}
		for i := range min(len(ids), len(s.pool.snap.Shards)) {
			if o := pr.find(s.pool.nodeKey(i)); o != nil {
				ids[i] = o.conn.RemoteID
			}
		}
		done(ids)
	}
	for i := range ids {
		o := s.own(i)
		if o.conn.State() == backend.Ready || pr.tx.begun && pr.tx.on == o {
			continue // it has said what it calls the connection, or may not; within a transaction nothing can be asked
		}
		missing++
		o.settled = append(o.settled, arrived)
		o.conn.Open(s.core.now)
		s.pool.limit(o.conn)
	}
	arrived()
}

// trackNot turns tracking off, at the nodes: after the reply nothing more is told.
func (s *Session) trackNot() {
	pr := s.private
	if pr == nil || pr.track == nil {
		s.begin().finish(okReply)
		return
	}
	s.setTracking(nil)
	g := s.core.newGather(command.AllOK)
	for i := range s.pool.snap.Shards {
		if pr.find(s.pool.nodeKey(i)) != nil {
			g.parts = append(g.parts, part{shard: i})
		}
	}
	if len(g.parts) == 0 {
		s.core.releaseGather(g)
		s.begin().finish(okReply)
		return
	}
	g.after = func(ok bool) {
		if !ok && s.private != nil {
			s.stain() // some nodes may still track
		}
	}
	s.start(g)
	off := resp.AppendRequest(nil, "CLIENT", "TRACKING", "OFF")
	for i := range g.parts {
		if q := g.send(i); q != nil {
			q.Append(s.core.buffer, off)
		}
	}
	g.sent()
	s.fence()
}

// clientCaching takes CLIENT CACHING YES|NO, which is said to the node of the next
// command.
func (s *Session) clientCaching(a *arguments) error {
	var t *tracking
	if s.private != nil {
		t = s.private.track
	}
	if t == nil {
		return command.Error("ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled")
	}
	word := strings.ToUpper(string(a.At(2)))
	switch {
	case word == "YES" && !t.optin:
		return command.Error("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")
	case word == "NO" && !t.optout:
		return command.Error("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
	case word != "YES" && word != "NO":
		return errSyntax
	}
	t.caching = word
	s.heat()
	s.begin().finish(okReply)
	return nil
}

// sayCaching tells a node what CLIENT CACHING said, before the command it is for.
func (s *Session) sayCaching(conn *backend.Conn) {
	if s.private == nil || s.private.track == nil || s.private.track.caching == "" {
		return
	}
	if o, ok := conn.Owner.(*owned); ok {
		s.sendSilently(o, "CLIENT", "CACHING", s.private.track.caching)
	}
}

// cachingSaid ends CLIENT CACHING after the command, or the transaction, it is for.
func (s *Session) cachingSaid() {
	if pr := s.private; pr != nil && pr.track != nil && pr.track.caching != "" && !pr.tx.open {
		pr.track.caching = ""
		s.heat()
	}
}

func (s *Session) clientGetRedir(*arguments) error {
	id := int64(-1)
	if s.private != nil && s.private.track != nil {
		id = int64(s.private.track.redirect)
	}
	s.begin().finish(resp.AppendInt(nil, id))
	return nil
}

func (s *Session) clientTrackingInfo(*arguments) error {
	flags, redirect, prefixes := []string{"off"}, int64(-1), []string(nil)
	if s.private != nil && s.private.track != nil {
		t := s.private.track
		flags, redirect, prefixes = []string{"on"}, int64(t.redirect), t.prefixes
		for _, f := range []struct {
			on   bool
			name string
		}{
			{t.bcast, "bcast"}, {t.optin, "optin"}, {t.caching == "YES", "caching-yes"}, {t.optout, "optout"},
			{t.caching == "NO", "caching-no"}, {t.noloop, "noloop"}, {t.broken, "broken_redirect"},
		} {
			if f.on {
				flags = append(flags, f.name)
			}
		}
	}
	if s.private != nil && s.private.track != nil && s.private.track.bcast && len(prefixes) == 0 {
		prefixes = []string{""} // of every key
	}
	b := s.appendMap(nil, 3)
	b = s.appendSet(resp.AppendBulk(b, "flags"), len(flags))
	for _, f := range flags {
		b = resp.AppendBulk(b, f)
	}
	b = resp.AppendInt(resp.AppendBulk(b, "redirect"), redirect)
	b = resp.AppendArray(resp.AppendBulk(b, "prefixes"), len(prefixes))
	for _, p := range prefixes {
		b = resp.AppendBulk(b, p)
	}
	s.begin().finish(b)
	return nil
}

// brokenRedirect tells the client once that who was told has gone.
func (s *Session) brokenRedirect() {
	t := s.private.track
	if t == nil || t.broken {
		return
	}
	t.broken = true
	b := resp.AppendBulk(s.appendPush(nil, 2), "tracking-redir-broken")
	s.push(resp.AppendInt(b, int64(t.redirect)))
}
