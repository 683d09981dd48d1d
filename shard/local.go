package shard

import (
	"bytes"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/command"
)

// local answers what the command table calls local. There is no session: a
// name set, a login or a HELLO would have nothing to belong to, so those are
// answered by what holds anyway, or refused.
func (c *Client) local(cmd *command.Command, r *request) (any, error) {
	switch cmd.Name {
	case "ping":
		switch r.Len() {
		case 1:
			return "PONG", nil
		case 2:
			return bytes.Clone(r.At(1)), nil
		}
		return refused("ERR wrong number of arguments for 'ping' command")
	case "echo":
		return bytes.Clone(r.At(1)), nil
	case "time":
		t := time.Now()
		return []any{
			strconv.AppendInt(nil, t.Unix(), 10),
			strconv.AppendInt(nil, int64(t.Nanosecond()/1000), 10),
		}, nil
	case "select":
		n, err := strconv.Atoi(string(r.At(1)))
		switch {
		case err != nil:
			return refused("ERR invalid DB index")
		case n != 0 && n != c.cfg.Database:
			return refused(command.Error("ERR DB index is out of range: " + c.cfg.Name +
				" serves database " + strconv.Itoa(c.cfg.Database) + " only"))
		}
		return "OK", nil
	case "quit", "readonly", "readwrite", "client|setname", "client|setinfo":
		return "OK", nil
	case "reset":
		return "RESET", nil
	case "client|getname":
		return nil, nil
	case "auth", "hello":
		return refused(command.Error("ERR '" + cmd.Name + "' is not for a sharded client: its Config logs in on every connection"))
	}
	if strings.HasPrefix(cmd.Name, "client|") || strings.HasPrefix(cmd.Name, "acl|") {
		return refused(command.Error("ERR '" + cmd.Name + "' is not for a sharded client: goroutines share its connections"))
	}
	return decode(c.table.AppendCommandReply(nil, r))
}

// decode has redigo parse a reply that was encoded here.
func decode(p []byte) (any, error) {
	reply, err := redis.NewConn(recorded{bytes.NewReader(p)}, 0, 0).Receive()
	if err != nil {
		return answer(err)
	}
	return reply, nil
}

// recorded is a net.Conn to read from.
type recorded struct{ r *bytes.Reader }

func (c recorded) Read(p []byte) (int, error)       { return c.r.Read(p) }
func (c recorded) Write(p []byte) (int, error)      { return 0, net.ErrClosed }
func (c recorded) Close() error                     { return nil }
func (c recorded) LocalAddr() net.Addr              { return nil }
func (c recorded) RemoteAddr() net.Addr             { return nil }
func (c recorded) SetDeadline(time.Time) error      { return nil }
func (c recorded) SetReadDeadline(time.Time) error  { return nil }
func (c recorded) SetWriteDeadline(time.Time) error { return nil }
