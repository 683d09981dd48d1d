package watch

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/topology"
)

// Dials at a time. Nodes that are down have their own, so that hosts which
// do not answer at all keep no one else waiting.
const (
	dials     = 8
	downDials = 8
)

// wire is what all probes of a pool have in common; it does not change.
type wire struct {
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)
	within   time.Duration // for a dial and for an answer
	interval time.Duration
	redis    bool
	login    login // at nodes
	sentinel login // at Sentinels
	slots    chan struct{}
	down     chan struct{}
}

type login struct{ user, password string }

// conn is a connection to a node or a Sentinel. It ends with the context that
// open was given.
type conn struct {
	redis.Conn
	net  net.Conn
	read *bufio.Reader // memcached
	stop func() bool
}

func (c *conn) close() {
	c.stop()
	c.net.Close()
}

// open dials, when it is its turn, and logs in.
func (w *wire) open(ctx context.Context, n topology.Node, as login, down bool) (*conn, error) {
	slots := w.slots
	if down {
		slots = w.down
	}
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-slots }()
	dctx, cancel := context.WithTimeout(ctx, w.within)
	defer cancel()
	nc, err := w.dial(dctx, n.Network, n.Addr)
	if err != nil {
		return nil, err
	}
	c := &conn{net: nc, stop: context.AfterFunc(ctx, func() { nc.Close() })}
	if !w.redis {
		c.read = bufio.NewReader(nc)
		return c, nil
	}
	c.Conn = redis.NewConn(nc, w.within, w.within)
	args := []any{as.password}
	if as.user != "" {
		args = []any{as.user, as.password}
	}
	if as.password != "" {
		if _, err := c.Do("AUTH", args...); err != nil {
			c.close()
			return nil, fmt.Errorf("AUTH: %w", err)
		}
	}
	return c, nil
}

// reached is the address that the connection goes to, "" unless it is TCP.
func (c *conn) reached() string {
	if a, ok := c.net.RemoteAddr().(*net.TCPAddr); ok {
		return a.String()
	}
	return ""
}

// probe asks a node what it is. An error is one of the connection, or of a login
// that is missing.
func (c *conn) probe(within time.Duration) (answer, error) {
	if c.read != nil {
		return c.version(within)
	}
	c.Send("PING") // an error comes back from Flush
	c.Send("ROLE")
	c.Send("INFO", "replication")
	if err := c.Flush(); err != nil {
		return answer{}, err
	}
	var a answer
	for i := range 3 {
		v, err := c.Receive()
		var reply redis.Error
		if err != nil && !errors.As(err, &reply) {
			return a, err
		}
		switch i {
		case 0:
			if strings.HasPrefix(string(reply), "NOAUTH") {
				return a, reply
			}
			a.serving = err == nil || strings.HasPrefix(string(reply), "NOPERM")
		case 1:
			parseRole(&a, v, err)
		case 2:
			parseInfo(&a, v, err)
		}
	}
	return a, nil
}

// version is the probe of memcached.
func (c *conn) version(within time.Duration) (answer, error) {
	if err := c.net.SetDeadline(time.Now().Add(within)); err != nil {
		return answer{}, err
	}
	if _, err := c.net.Write([]byte("version\r\n")); err != nil {
		return answer{}, err
	}
	line, err := c.read.ReadSlice('\n')
	if err != nil {
		return answer{}, err
	}
	if !strings.HasPrefix(string(line), "VERSION ") {
		return answer{}, fmt.Errorf("%q to version, want VERSION", line)
	}
	return answer{serving: true, offset: -1}, nil
}
