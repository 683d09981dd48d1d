package watch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/topology"
)

// sentry talks to one Sentinel: it asks it about every shard, each interval and
// when woken, and listens to its events over a second connection.
type sentry struct {
	wire    *wire
	node    topology.Node
	masters []string
	say     func(context.Context, verdict)
	hear    func(context.Context, event)
	wake    chan struct{}
	end     context.CancelFunc
}

// verdict is what a Sentinel answered to one round of questions.
type verdict struct {
	sentinel topology.Node
	reached  string
	err      error            // nil: it answered
	claims   []claim          // of the masters that it knows
	refused  map[string]error // by master: those that it does not
	others   []topology.Node  // Sentinels it knows
}

func (s *sentry) ask() { poke(s.wake) }

func (s *sentry) run(ctx context.Context) {
	var listener sync.WaitGroup
	defer listener.Wait()
	listener.Go(func() { s.listen(ctx) })
	h := health{interval: s.wire.interval}
	var c *conn
	defer func() {
		if c != nil {
			c.close()
		}
	}()
	for ctx.Err() == nil {
		v := verdict{sentinel: s.node}
		had := c != nil
		c, v.err = s.round(ctx, c, h.state == Down, &v)
		if v.err != nil && had {
			c, v.err = s.round(ctx, c, false, &v)
		}
		if ctx.Err() != nil {
			return
		}
		if v.err != nil {
			h.failed(time.Now())
		} else {
			h.answered(time.Now())
		}
		s.say(ctx, v)
		wait(ctx, h.next(rand.Float64()), s.wake)
	}
}

// round asks about every master.
func (s *sentry) round(ctx context.Context, c *conn, down bool, v *verdict) (*conn, error) {
	if c == nil {
		var err error
		if c, err = s.wire.open(ctx, s.node, s.wire.sentinel, down); err != nil {
			return nil, err
		}
	}
	v.reached, v.claims, v.others, v.refused = c.reached(), nil, nil, map[string]error{}
	for _, m := range s.masters {
		if err := s.about(c, m, v); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

// about asks about one master. An error is the connection's.
func (s *sentry) about(c *conn, master string, v *verdict) error {
	questions := [...]string{"GET-MASTER-ADDR-BY-NAME", "MASTER", "REPLICAS", "SENTINELS"}
	for _, q := range questions {
		c.Send("SENTINEL", q, master) // an error comes back from Flush
	}
	if err := c.Flush(); err != nil {
		return err
	}
	cl := claim{sentinel: s.node.Addr, master: master}
	var refused error
	for i, q := range questions {
		reply, err := c.Receive()
		var e redis.Error
		if err != nil && !errors.As(err, &e) && err != redis.ErrNil {
			return err
		}
		if err == nil {
			err = cl.add(i, reply, &v.others)
		}
		if err != nil && refused == nil {
			refused = fmt.Errorf("SENTINEL %s: %w", q, err)
		}
	}
	if refused == nil && cl.node.IsZero() {
		refused = errors.New("SENTINEL GET-MASTER-ADDR-BY-NAME: no such master")
	}
	if refused != nil {
		v.refused[master] = refused
		return nil
	}
	cl.at = time.Now()
	v.claims = append(v.claims, cl)
	return nil
}

// add reads the reply to the i-th question of about.
func (cl *claim) add(i int, reply any, others *[]topology.Node) error {
	switch i {
	case 0:
		if reply == nil {
			return nil
		}
		f, err := redis.Strings(reply, nil)
		if err != nil || len(f) != 2 {
			return fmt.Errorf("%v, want host and port", reply)
		}
		cl.node = tcp(f[0], f[1])
	case 1:
		m, err := redis.StringMap(reply, nil)
		if err != nil {
			return err
		}
		cl.epoch, err = strconv.ParseUint(m["config-epoch"], 10, 64)
		return err
	case 2, 3:
		items, err := redis.Values(reply, nil)
		if err != nil {
			return err
		}
		for _, item := range items {
			m, err := redis.StringMap(item, nil)
			if err != nil {
				return err
			}
			n := tcp(m["ip"], m["port"])
			switch {
			case n.IsZero():
			case i == 3:
				*others = append(*others, n)
			case strings.Contains(m["flags"], "promoted"):
				cl.elected = n
				cl.replicas = append(cl.replicas, n)
			case !strings.Contains(m["flags"], "s_down"):
				cl.replicas = append(cl.replicas, n)
			}
		}
	}
	return nil
}
