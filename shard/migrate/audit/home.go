package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gomodule/redigo/redis"
)

// attempts is how often a key is tried that changes while it is moved.
const attempts = 10

// errChanged: the key was written to between its DUMP and its deletion.
var errChanged = errors.New("the key has changed")

// home moves one key to the server that owns it.
//
//	from                                to
//	WATCH, DUMP, PTTL, ...  ------->  RESTORE, EXISTS
//	                                    |            |
//	                                  OK, 1        BUSYKEY: DUMP, PTTL
//	                                    |            |
//	MULTI, UNLINK, EXEC  <--------------+  <--- same | other ---> Conflict
//	  |           |
//	 [1]     nil: changed
//	  |           |
//	Moved,        +--- put by us ---> WATCH, DUMP, PTTL: as it was put? (undo)
//	 Same                              MULTI, UNLINK, EXEC ---> once more
//
// At every arrow the key is in one place or in two, never in none: it is
// deleted at from only after to has said that it has it, and only if nothing
// has been written to it since the DUMP that to has. After a crash it is
// found in two places, and goes on from BUSYKEY. Two Repairs at once are told
// apart by claim.
func (m *mover) home(ctx context.Context, k Key) (Result, error) {
	for range attempts {
		result, err := m.once(ctx, k)
		if !errors.Is(err, errChanged) {
			return result, err
		}
	}
	return Changing, nil
}

func (m *mover) once(ctx context.Context, k Key) (Result, error) {
	from, err := m.link(ctx, k.from, k.Database)
	if err != nil {
		return 0, err
	}
	to, err := m.link(ctx, k.to, k.Database)
	if err != nil {
		return 0, err
	}
	v, err := from.watchAndDump(k.Name)
	if err != nil {
		return m.judge(k.from, err)
	}
	if v.dump == nil {
		return Gone, nil
	}
	how, err := to.restore(k.Name, v)
	if err != nil {
		return m.judge(k.to, err)
	}
	if how == expired {
		return Gone, nil
	}
	if how == busy {
		there, err := to.watchAndDump(k.Name)
		if err != nil {
			return m.judge(k.to, err)
		}
		switch {
		case there.dump == nil:
			return 0, errChanged // deleted, or expired, since BUSYKEY
		case !v.same(there):
			return Conflict, nil
		}
		if err := m.holds(to); err != nil {
			return m.judge(k.to, err)
		}
	}
	removed, err := from.removeWatched(k.Name)
	switch {
	case err != nil:
		// It may be gone here, so what is at home has to stay.
		return m.judge(k.from, err)
	case removed && how == busy:
		return Same, nil
	case removed:
		return Moved, nil
	case how == busy:
		return 0, errChanged
	}
	return m.undo(to, k, v)
}

// undo removes what was put at home, if nobody has written to it there.
func (m *mover) undo(to *link, k Key, v value) (Result, error) {
	there, err := to.watchAndDump(k.Name)
	if err != nil {
		return m.judge(k.to, err)
	}
	switch {
	case there.dump == nil:
		return 0, errChanged
	case !v.same(there):
		return Conflict, nil
	}
	if err := m.holds(to); err != nil {
		return m.judge(k.to, err)
	}
	removed, err := to.removeWatched(k.Name)
	switch {
	case err != nil:
		return m.judge(k.to, err)
	case !removed:
		return Conflict, nil // written to at both ends
	}
	return 0, errChanged
}

// judge says whether an error is about one key, which has Failed, or whether the
// next would have it too: then it ends everything.
func (m *mover) judge(server int, err error) (Result, error) {
	var said redis.Error
	if errors.As(err, &said) && strings.HasPrefix(string(said), "ERR ") {
		return Failed, m.a.servers[server].wrap(err)
	}
	return 0, m.a.servers[server].wrap(err)
}

// value is a key as a server had it.
type value struct {
	dump   []byte // nil: there was no such key
	left   int64  // milliseconds until it expires, -1: it does not
	expire int64  // when, in milliseconds since 1970; 0: it does not
	exact  bool   // expire is what the server said, and not left added to its clock
	idle   int64  // seconds; -1: not known
	freq   int64  // under an LFU policy; -1: not known
}

// watchAndDump reads a key. It is watched afterwards, and it alone, so that
// whatever changes from the first of these replies on is noticed. DUMP counts as
// a use of the key, so it comes after OBJECT.
func (l *link) watchAndDump(key []byte) (value, error) {
	requests := []request{{"UNWATCH"}, {"WATCH", key}, {"OBJECT", "IDLETIME", key}, {"OBJECT", "FREQ", key}, {"PTTL", key}, {"TIME"}, {"DUMP", key}}
	if l.version.expireTime() {
		requests = append(requests, request{"PEXPIRETIME", key})
	}
	replies, err := l.ask(requests...)
	if err != nil {
		return value{}, err
	}
	v := value{idle: -1, freq: -1}
	if n, ok := replies[2].(int64); ok {
		v.idle = n
	}
	if n, ok := replies[3].(int64); ok {
		v.freq = n
	}
	for _, i := range []int{0, 1, 4, 5, 6, len(replies) - 1} {
		if err := refusal(requests[i].name(), replies[i]); err != nil {
			return value{}, err
		}
	}
	if v.dump, err = redis.Bytes(replies[6], nil); errors.Is(err, redis.ErrNil) {
		return value{}, nil
	} else if err != nil {
		return value{}, fmt.Errorf("DUMP: %w", err)
	}
	if v.left, err = redis.Int64(replies[4], nil); err != nil {
		return value{}, fmt.Errorf("PTTL: %w", err)
	}
	clock, err := redis.Int64s(replies[5], nil)
	switch {
	case err != nil || len(clock) != 2:
		return value{}, fmt.Errorf("TIME: %v, want seconds and microseconds", replies[5])
	case v.left < 0:
		v.left, v.exact = -1, true
	case l.version.expireTime():
		v.exact = true
		if v.expire, err = redis.Int64(replies[7], nil); err != nil {
			return value{}, fmt.Errorf("PEXPIRETIME: %w", err)
		}
	default:
		v.expire = clock[0]*1000 + clock[1]/1000 + v.left
	}
	return v, nil
}

// about is how far apart two expiries may be that are the same, where one of
// them was reckoned from a clock.
const about = 1000 // ms

// same says that two servers have the same value with the same expiry.
func (v value) same(o value) bool {
	apart := int64(0)
	if !v.exact || !o.exact {
		apart = about
	}
	if (v.expire == 0) != (o.expire == 0) || max(v.expire-o.expire, o.expire-v.expire) > apart {
		return false
	}
	return bytes.Equal(canonical(v.dump), canonical(o.dump))
}

// restored is what became of a RESTORE.
type restored uint8

const (
	put     restored = iota // the key is there, and was not
	busy                    // another one was there, and is as it was
	expired                 // its time was over on arrival, by that server's clock
)

func (r restored) String() string { return [...]string{"put", "busy", "expired"}[r] }

// restore puts a key where there is none.
func (l *link) restore(key []byte, v value) (restored, error) {
	r := request{"RESTORE", key}
	switch {
	case l.version.restoreExtras():
		r = append(r, v.expire, v.dump, "ABSTTL")
		if v.freq >= 0 {
			r = append(r, "FREQ", v.freq)
		} else if v.idle >= 0 {
			r = append(r, "IDLETIME", v.idle)
		}
	case v.expire != 0:
		r = append(r, max(v.left, 1), v.dump)
	default:
		r = append(r, 0, v.dump)
	}
	replies, err := l.ask(r, request{"EXISTS", key})
	switch {
	case err != nil:
		return 0, err
	case hasPrefix(replies[0], "BUSYKEY"):
		return busy, nil
	}
	for i, name := range []string{"RESTORE", "EXISTS"} {
		if err := refusal(name, replies[i]); err != nil {
			return 0, err
		}
	}
	if replies[1] == int64(0) {
		return expired, nil
	}
	return put, nil
}

// removeWatched deletes a watched key unless it has changed.
func (l *link) removeWatched(key []byte) (bool, error) {
	name := l.version.deleting()
	replies, err := l.ask(request{"MULTI"}, request{name, key}, request{"EXEC"})
	if err != nil {
		return false, err
	}
	if err := refusal(name, replies[1]); err != nil {
		return false, err
	}
	if err := refusal("EXEC", replies[2]); err != nil {
		return false, err
	}
	return replies[2] != nil, nil
}
