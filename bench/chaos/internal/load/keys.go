package load

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/bench/chaos/internal/history"
)

// keys are those of one shard. The slices do not change once clients run.
type keys struct {
	name      string
	history   *history.Shard
	registers []*history.Register
	counters  []*history.Counter
	lists     []*series
}

// series is the lists of one writer, one after the other, for a list that is read and
// audited whole must not grow for ever.
type series struct {
	now atomic.Pointer[history.List]

	mu  sync.Mutex
	all []*history.List // protected by mu
}

const listLength = 400

func (s *series) begin(l *history.List) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, l)
	s.now.Store(l)
}

// audit asks the shard's server for every key.
func (k *keys) audit(c redis.Conn) error {
	for _, r := range k.registers {
		value, err := redis.String(c.Do("GET", r.Key))
		if err != nil && !errors.Is(err, redis.ErrNil) {
			return err
		}
		r.Audit(value, err == nil)
	}
	for _, n := range k.counters {
		value, err := redis.Int64(c.Do("GET", n.Key))
		if err != nil && !errors.Is(err, redis.ErrNil) {
			return err
		}
		n.Audit(value)
	}
	for _, s := range k.lists {
		s.mu.Lock()
		all := s.all
		s.mu.Unlock()
		for _, l := range all {
			elements, err := redis.Strings(c.Do("LRANGE", l.Key, 0, -1))
			if err != nil {
				return err
			}
			l.Audit(elements)
		}
	}
	return nil
}

// text is a reply as GET has it.
func text(reply any) (value string, exists, ok bool) {
	switch v := reply.(type) {
	case nil:
		return "", false, true
	case []byte:
		return string(v), true, true
	}
	return "", false, false
}

// number is the reply of a GET of a counter.
func number(reply any) (int64, bool) {
	value, exists, ok := text(reply)
	if !ok || !exists {
		return 0, ok
	}
	n, err := strconv.ParseInt(value, 10, 64)
	return n, err == nil
}
