package session

import (
	"fmt"
	"strings"
)

// dialect is what a pool's nodes and clients speak.
type dialect interface {
	// parse cuts one command off what a node was sent, whose arguments are views of it;
	// n is 0 if it is not whole.
	parse(b []byte) (args [][]byte, n int, err error)
	// execute has a node answer a command, with nothing while the connection waits.
	execute(n *simNode, l *simLink, args [][]byte) []byte
	// noise is no reply. idle: nobody waits for one.
	noise(idle bool) string
	// reply is decodeReply for what a client hears.
	reply(b []byte) (r reply, n, need int, err error)
	// answer judges one reply.
	answer(c *simClient, r reply)
	// ask sends some request.
	ask(c *simClient)
	// quit sends the last one, garbage what is none.
	quit(c *simClient)
	garbage(c *simClient)
	// parts reports whether a reply that begins so may go out before it is whole.
	parts(first byte) bool
}

// redisWords is Redis's protocol.
type redisWords struct{}

func (redisWords) parse(b []byte) ([][]byte, int, error)                { return parseCommand(b) }
func (redisWords) execute(n *simNode, l *simLink, args [][]byte) []byte { return n.execute(l, args) }
func (redisWords) reply(b []byte) (reply, int, int, error)              { return decodeReply(b) }
func (redisWords) answer(c *simClient, r reply)                         { c.answer(r) }
func (redisWords) ask(c *simClient)                                     { c.askRedis() }
func (redisWords) parts(first byte) bool                                { return first == '$' || first == '*' }

func (redisWords) noise(idle bool) string {
	if idle {
		return "+OK\r\n"
	}
	return "HTTP/1.1 400 Bad Request\r\n" // only what is no RESP can be told from a reply
}

func (redisWords) quit(c *simClient) {
	c.send(&question{last: true, open: true, check: want("+OK")}, "QUIT")
}

func (redisWords) garbage(c *simClient) {
	c.asked = append(c.asked, &question{name: "garbage", sent: c.w.now, last: true, open: true, check: func(r reply) error {
		if r.typ != '-' || !strings.HasPrefix(r.text, "ERR Protocol error: ") {
			return fmt.Errorf("want a protocol error")
		}
		return nil
	}})
	c.out = append(c.out, "*1\r\n+no\r\n"...)
}
