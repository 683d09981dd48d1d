package backend

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/shardring/shardring/shard/resp"
)

// greeting is the login and the choice of a database at the start of a
// connection. No call is sent before it has succeeded, so none is ever
// executed by the wrong user or on the wrong database.
type greeting struct {
	left     int    // replies still to come
	identify bool   // the last of them is that to CLIENT ID
	text     []byte // of the current one, at most a line
}

// begin queues what has to be said; false means nothing.
func (g *greeting) begin(c *Conn) bool {
	*g = greeting{}
	var b []byte
	switch {
	case c.Memcached && c.Password != "":
		login := userOf(c) + " " + c.Password
		b = fmt.Appendf(b, "set auth 0 0 %d\r\n%s\r\n", len(login), login)
		g.left++
	case c.Memcached:
	case c.Proto == 3 && c.Password != "":
		b = resp.AppendRequest(b, "HELLO", "3", "AUTH", userOf(c), c.Password)
		g.left++
	case c.Proto == 3:
		b = resp.AppendRequest(b, "HELLO", "3")
		g.left++
	case c.Password != "":
		if c.Username != "" {
			b = resp.AppendRequest(b, "AUTH", c.Username, c.Password)
		} else {
			b = resp.AppendRequest(b, "AUTH", c.Password)
		}
		g.left++
	}
	if c.Database != 0 && !c.Memcached {
		b = resp.AppendRequest(b, "SELECT", strconv.Itoa(c.Database))
		g.left++
	}
	if c.Identify {
		b = resp.AppendRequest(b, "CLIENT", "ID")
		g.left++
		g.identify = true
	}
	if c.silent {
		if c.Memcached {
			b = append(b, "version\r\n"...)
		} else {
			b = resp.AppendRequest(b, "PING")
		}
		g.left++
	}
	c.Out.Append(c.pool, b)
	return g.left > 0
}

func (g *greeting) reply(c *Conn, part []byte, done bool) error {
	g.text = append(g.text, part[:min(len(part), 512-min(len(g.text), 512))]...)
	if !done {
		return nil
	}
	switch {
	case g.left == 1 && g.identify:
		// A server before 5.0 has no such command; the id is missed by CLIENT
		// UNBLOCK only.
		c.RemoteID, _ = strconv.ParseInt(string(trim(g.text[1:])), 10, 64)
	case c.Memcached && c.silent && g.left == 1 && bytes.HasPrefix(g.text, []byte("VERSION ")):
	case c.Memcached && string(trim(g.text)) != "STORED":
		return fmt.Errorf("login: %.200s", trim(g.text))
	case g.text[0] == '-':
		text := string(trim(g.text[1:]))
		if strings.HasPrefix(text, "BUSY ") || strings.HasPrefix(text, "LOADING ") {
			return busyError(text)
		}
		return fmt.Errorf("login: %.200s", text)
	}
	g.left--
	g.text = g.text[:0]
	return nil
}

// busyError is the error reply of a node that lives and has no time.
type busyError string

func (e busyError) Error() string { return string(e) }

// refused ends a connection whose login the node has refused. A node that has no
// time is no failure.
func (c *Conn) refused(err error) {
	if _, busy := err.(busyError); !busy {
		c.abort(Refused, err)
		return
	}
	c.lastErr = err
	if c.loading() && c.Fallback == nil {
		c.wait()
	} else {
		c.endCalls(Busy, err)
	}
	c.failures = 0
	c.tellOwner(c.fault(Busy, err, false))
	c.to(Closing)
	c.wake()
}

// why is the kind of the error for calls while there is no connection.
func (c *Conn) why() Kind {
	if _, busy := c.lastErr.(busyError); busy {
		return Busy
	}
	return Down
}

// userOf returns the user to log in as.
func userOf(c *Conn) string {
	if c.Username == "" {
		return "default"
	}
	return c.Username
}

func trim(b []byte) []byte {
	for len(b) > 0 && (b[len(b)-1] == '\r' || b[len(b)-1] == '\n') {
		b = b[:len(b)-1]
	}
	return b
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) }

func errStuck(limit time.Duration) error { return fmt.Errorf("it has said nothing for %v", limit) }

func errNoReply(limit time.Duration) error { return fmt.Errorf("no reply within %v", limit) }
