package migrate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/config"
)

// node is one server and a connection to it, made anew when it is lost.
type node struct {
	addr           config.Address
	user, password string
	within         time.Duration // for a connect, and for a reply
	db             int           // that connections select
	conn           redis.Conn    // nil: none
}

// do sends one command. After a lost connection the next call has a new one; nothing
// is sent twice.
func (n *node) do(ctx context.Context, command string, args ...any) (any, error) {
	if n.conn == nil {
		opts := []redis.DialOption{redis.DialConnectTimeout(n.within), redis.DialReadTimeout(n.within), redis.DialWriteTimeout(n.within), redis.DialDatabase(n.db)}
		if n.password != "" {
			opts = append(opts, redis.DialPassword(n.password), redis.DialUsername(n.user))
		}
		c, err := redis.DialContext(ctx, n.addr.Network, n.addr.Addr, opts...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n.addr, err)
		}
		n.conn = c
	}
	v, err := redis.DoContext(n.conn, ctx, command, args...)
	if n.conn.Err() != nil {
		n.close()
	}
	if err != nil {
		return nil, fmt.Errorf("%s at %s: %w", command, n.addr, err)
	}
	return v, nil
}

// in is a node's database, by a connection of its own.
func (n *node) in(db int) *node {
	one := *n
	one.conn, one.db = nil, db
	return &one
}

func (n *node) close() {
	if n.conn != nil {
		n.conn.Close()
		n.conn = nil
	}
}

// info returns the fields of INFO's sections, of all without any.
func (n *node) info(ctx context.Context, section string) (map[string]string, error) {
	var args []any
	if section != "" {
		args = append(args, section)
	}
	text, err := redis.String(n.do(ctx, "INFO", args...))
	if err != nil {
		return nil, err
	}
	return fields(text), nil
}

// fields reads the lines of INFO.
func fields(text string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
			m[k] = v
		}
	}
	return m
}

// settings returns CONFIG GET of a pattern.
func (n *node) settings(ctx context.Context, pattern string) (map[string]string, error) {
	return redis.StringMap(n.do(ctx, "CONFIG", "GET", pattern))
}

// set is CONFIG SET.
func (n *node) set(ctx context.Context, name, value string) error {
	_, err := n.do(ctx, "CONFIG", "SET", name, value)
	if err != nil {
		return fmt.Errorf("CONFIG SET %s: %w", name, err)
	}
	return nil
}

// follow makes n a replica of other; nil: a primary.
func (n *node) follow(ctx context.Context, other *node) error {
	host, port := "NO", "ONE"
	if other != nil {
		var err error
		if host, port, err = net.SplitHostPort(other.addr.Addr); err != nil {
			return fmt.Errorf("%s: a replica reaches its primary at host:port only", other.addr)
		}
	}
	_, err := n.do(ctx, "REPLICAOF", host, port)
	if isReply(err, "ERR unknown command") { // before Redis 5
		_, err = n.do(ctx, "SLAVEOF", host, port)
	}
	return err
}

// isReply says that err is a server's error reply that begins so.
func isReply(err error, prefix string) bool {
	var reply redis.Error
	return errors.As(err, &reply) && strings.HasPrefix(string(reply), prefix)
}

// number reads a field of INFO, 0 where it is missing.
func number(info map[string]string, name string) int64 {
	n, _ := strconv.ParseInt(info[name], 10, 64)
	return n
}

// replicasOf returns what INFO replication says of each replica of a node, by its line:
// ip, port, state, offset, lag.
func replicasOf(info map[string]string) map[string]map[string]string {
	all := map[string]map[string]string{}
	for i := range number(info, "connected_slaves") {
		name := "slave" + strconv.FormatInt(i, 10)
		all[name] = map[string]string{}
		for _, kv := range strings.Split(info[name], ",") {
			k, v, _ := strings.Cut(kv, "=")
			all[name][k] = v
		}
	}
	return all
}

// replication is what INFO replication says of a node, as the other one of the move
// sees it.
func replication(ctx context.Context, n, other *node) (role, map[string]string) {
	info, err := n.info(ctx, "replication")
	if err != nil {
		return unknown, nil
	}
	return roleOf(info, func(host, port string) bool { return sameAddr(ctx, net.JoinHostPort(host, port), other.addr.Addr) }), info
}

func roleOf(info map[string]string, isOther func(host, port string) bool) role {
	switch info["role"] {
	case "master":
		return primary
	case "slave":
		if isOther(info["master_host"], info["master_port"]) {
			return ofOther
		}
		return ofStranger
	}
	return unknown
}

// sameAddr says that two addresses are the same, also where one is a name.
func sameAddr(ctx context.Context, a, b string) bool {
	if a == b {
		return true
	}
	ah, ap, err1 := net.SplitHostPort(a)
	bh, bp, err2 := net.SplitHostPort(b)
	if err1 != nil || err2 != nil || ap != bp {
		return false
	}
	as, err1 := net.DefaultResolver.LookupHost(ctx, ah)
	bs, err2 := net.DefaultResolver.LookupHost(ctx, bh)
	if err1 != nil || err2 != nil {
		return false
	}
	for _, x := range as {
		for _, y := range bs {
			if x == y {
				return true
			}
		}
	}
	return false
}
