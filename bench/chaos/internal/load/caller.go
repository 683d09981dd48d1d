package load

import (
	"context"
	"errors"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard"
)

// reply is what a request got, and when.
type reply struct {
	value any
	err   error
	at    time.Time
}

// caller is one client's way to the shards.
type caller interface {
	// call sends all requests at once and returns a reply for each.
	call(batch []request) []reply
	// wait is WAIT for what this caller wrote to these keys.
	wait(replicas int, keys []string) (int, error)
	close()
}

// durableWithin is how long WAIT waits.
const durableWithin = time.Second

// errNotSent: the client had no connection, so nothing was sent.
var errNotSent = errors.New("no connection to shardproxy")

// errConnection: the client's connection broke.
var errConnection = errors.New("connection to shardproxy lost")

// session is a client of shardproxy, with a connection of its own.
type session struct {
	addr    string
	timeout time.Duration
	conn    redis.Conn
}

func (s *session) call(batch []request) []reply {
	replies := make([]reply, len(batch))
	fail := func(from int, kind, err error) []reply {
		s.close()
		for i := from; i < len(batch); i++ {
			replies[i] = reply{nil, errors.Join(kind, err), time.Now()}
		}
		return replies
	}
	if s.conn == nil {
		c, err := redis.Dial("tcp", s.addr, redis.DialConnectTimeout(2*time.Second),
			redis.DialReadTimeout(s.timeout), redis.DialWriteTimeout(s.timeout))
		if err != nil {
			return fail(0, errNotSent, err)
		}
		s.conn = c
	}
	for _, r := range batch {
		if err := s.conn.Send(r.command, r.args...); err != nil {
			return fail(0, errConnection, err)
		}
	}
	if err := s.conn.Flush(); err != nil {
		return fail(0, errConnection, err)
	}
	for i := range batch {
		value, err := s.conn.Receive()
		if s.conn.Err() != nil {
			return fail(i, errConnection, err)
		}
		replies[i] = reply{value, err, time.Now()}
	}
	return replies
}

func (s *session) wait(replicas int, _ []string) (int, error) {
	if s.conn == nil {
		return 0, errNotSent
	}
	return redis.Int(s.conn.Do("WAIT", replicas, durableWithin.Milliseconds()))
}

func (s *session) close() {
	if s.conn != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
}

// library is a user of the library's client, which all of them share.
type library struct{ client *shard.Client }

func (b *library) call(batch []request) []reply {
	ctx := context.Background()
	if len(batch) == 1 {
		value, err := b.client.Do(ctx, batch[0].command, batch[0].args...)
		return []reply{{value, err, time.Now()}}
	}
	p := b.client.Pipeline()
	for _, r := range batch {
		p.Add(r.command, r.args...)
	}
	got, _ := p.Exec(ctx) // the replies have their errors
	replies, at := make([]reply, len(batch)), time.Now()
	for i, r := range got {
		replies[i] = reply{r.Value, r.Err, at}
	}
	return replies
}

func (b *library) wait(replicas int, keys []string) (int, error) {
	return b.client.Wait(context.Background(), replicas, durableWithin, keys...)
}

func (b *library) close() {}
