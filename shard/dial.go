package shard

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/gomodule/redigo/redis"
)

// errTLS: a write deadline that passes ruins a tls.Conn.
var errTLS = errors.New("the Dial hook returned a *tls.Conn, which is not supported yet")

// dial connects, logs in, selects the database and sees the server answer a
// PING, so that a server which only accepts, or is still loading, is not
// taken for one that serves. ctx bounds all of it.
func dial(ctx context.Context, cfg *Config, network, addr string) (net.Conn, error) {
	return dialAs(ctx, cfg, network, addr, toServe)
}

// purpose is what a connection is for.
type purpose uint8

const (
	toServe purpose = iota
	aside           // to end what runs: a server that runs a script answers neither SELECT nor PING
)

func (p purpose) String() string { return [...]string{"to serve", "aside"}[p] }

func dialAs(ctx context.Context, cfg *Config, network, addr string, what purpose) (net.Conn, error) {
	nc, err := cfg.Dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if err := greet(ctx, cfg, nc, what); err != nil {
		nc.Close()
		return nil, err
	}
	return nc, nil
}

func greet(ctx context.Context, cfg *Config, nc net.Conn, what purpose) error {
	if _, ok := nc.(*tls.Conn); ok {
		return errTLS
	}
	stop := context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	c := redis.NewConn(nc, 0, 0)
	var names []string
	say := func(name string, args ...any) {
		names = append(names, name)
		c.Send(name, args...) // an error comes back from Flush
	}
	switch {
	case cfg.Username != "":
		say("AUTH", cfg.Username, cfg.Password)
	case cfg.Password != "":
		say("AUTH", cfg.Password)
	}
	if what == toServe && cfg.Database != 0 {
		say("SELECT", cfg.Database)
	}
	if what == toServe {
		say("PING")
	}
	// redigo's own reading is over before the connection is handed on, and
	// nothing else is awaited, so none of its bytes stay in redigo's buffer.
	err := c.Flush()
	for _, name := range names {
		if err != nil {
			break
		}
		if _, err = c.Receive(); err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("connected, but no answer: %w", ctx.Err())
	case err != nil:
		return err
	}
	return nc.SetDeadline(time.Time{})
}

// buffered reads ahead by 64 KiB under redigo's 4 KiB, which costs a third of
// the rate at values of 1 KiB.
type buffered struct {
	net.Conn
	r *bufio.Reader
}

func (b buffered) Read(p []byte) (int, error) { return b.r.Read(p) }

func withBuffer(nc net.Conn) net.Conn { return buffered{nc, bufio.NewReaderSize(nc, 64<<10)} }

const (
	firstBackoff = 50 * time.Millisecond
	lastBackoff  = 500 * time.Millisecond
)

// backoff is how long to leave a node alone after so many failures in a row:
// doubling up to half a second, with a quarter of jitter either way, so that
// clients do not come back together and a node is found soon after its return.
func backoff(failures int) time.Duration {
	d := lastBackoff
	if failures < 5 {
		d = min(firstBackoff<<(failures-1), lastBackoff)
	}
	return d*3/4 + rand.N(d/2)
}
