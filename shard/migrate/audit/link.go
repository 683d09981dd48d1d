package audit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/topology"
)

// dialer connects to nodes and logs in.
type dialer struct {
	opt                *Options
	pool               *config.Pool
	username, password string
}

func newDialer(pool *config.Pool, opt *Options) *dialer {
	d := &dialer{opt: opt, pool: pool}
	d.username, d.password = pool.Login()
	return d
}

// link is a connection to a node. It belongs to one goroutine.
type link struct {
	redis.Conn
	version version
	db      int       // selected
	used    time.Time // by a mover, last
}

// buffered reads ahead by 64 KiB under redigo's 4 KiB: a page of SCAN is larger.
type buffered struct {
	net.Conn
	r *bufio.Reader
}

func (b buffered) Read(p []byte) (int, error) { return b.r.Read(p) }

// open connects to a node and asks what it is.
func (d *dialer) open(ctx context.Context, n topology.Node) (*link, info, error) {
	within := d.pool.ConnectTimeout
	if within == 0 {
		within = d.opt.FindTimeout
	}
	dctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	nc, err := d.opt.Dial(dctx, n.Network, n.Addr)
	if err != nil {
		return nil, info{}, err
	}
	c := redis.NewConn(buffered{nc, bufio.NewReaderSize(nc, 64<<10)}, d.opt.Timeout, d.opt.Timeout)
	// A process that is stopped or hangs is connected to and says nothing.
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	i, err := d.greet(c)
	if !stop() {
		err = fmt.Errorf("connected, but there was no answer: %w", ctx.Err())
	}
	if err != nil {
		c.Close()
		return nil, i, err
	}
	return &link{Conn: c, version: i.version}, i, nil
}

func (d *dialer) greet(c redis.Conn) (info, error) {
	var err error
	switch {
	case d.username != "":
		_, err = c.Do("AUTH", d.username, d.password)
	case d.password != "":
		_, err = c.Do("AUTH", d.password)
	}
	if err != nil {
		return info{}, fmt.Errorf("AUTH: %w", err)
	}
	text, err := redis.String(c.Do("INFO"))
	if err != nil {
		return info{}, fmt.Errorf("INFO: %w", err)
	}
	return parseInfo(text)
}

// use selects a database.
func (l *link) use(db int) error {
	if l.db == db {
		return nil
	}
	if _, err := l.Do("SELECT", db); err != nil {
		return fmt.Errorf("SELECT %d: %w", db, err)
	}
	l.db = db
	return nil
}

// request is a command to be sent with others.
type request []any

func (r request) name() string { return r[0].(string) }

// ask sends all requests in one write and returns their replies, a redis.Error
// as a reply of its own. The error is one of the connection.
func (l *link) ask(requests ...request) ([]any, error) {
	for _, r := range requests {
		if err := l.Send(r.name(), r[1:]...); err != nil {
			return nil, err
		}
	}
	if err := l.Flush(); err != nil {
		return nil, err
	}
	replies := make([]any, len(requests))
	for i := range requests {
		reply, err := l.Receive()
		var refused redis.Error
		switch {
		case errors.As(err, &refused):
			reply = refused
		case err != nil:
			return nil, err
		}
		replies[i] = reply
	}
	return replies, nil
}

// refusal is the error that a reply is, if it is one.
func refusal(name string, reply any) error {
	if e, ok := reply.(redis.Error); ok {
		return fmt.Errorf("%s: %w", name, e)
	}
	return nil
}

// hasPrefix says that a reply is an error of this kind, as BUSYKEY.
func hasPrefix(reply any, kind string) bool {
	e, ok := reply.(redis.Error)
	return ok && strings.HasPrefix(string(e), kind)
}
