package watch

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/topology"
)

// Role is what a node says that it is.
type Role uint8

const (
	// NoRole: it did not say, as a script runs or the user may not ask; or it
	// has none, as memcached.
	NoRole Role = iota
	Primary
	Replica
)

func (r Role) String() string {
	switch r {
	case NoRole:
		return "no role"
	case Primary:
		return "primary"
	case Replica:
		return "replica"
	}
	return fmt.Sprintf("Role(%d)", uint8(r))
}

// answer is what a node said to a probe.
type answer struct {
	serving  bool // it answered PING with PONG: not loading, stale or busy
	role     Role
	of       topology.Node   // a replica's primary
	linked   bool            // a replica's link to it is up
	offset   int64           // in the stream of replication; -1: not said
	history  string          // id of that stream, "" if not said: one primary and its replicas have the same
	replicas []topology.Node // a primary's that are online
}

// parseRole reads the reply to ROLE into a. What it does not understand is left
// out: the node then has no role.
func parseRole(a *answer, v any, err error) {
	a.offset = -1
	items, err := redis.Values(v, err)
	if err != nil || len(items) < 3 {
		return
	}
	switch word, _ := redis.String(items[0], nil); {
	case word == "master":
		a.role = Primary
		a.offset, _ = redis.Int64(items[1], nil)
		list, _ := redis.Values(items[2], nil)
		for _, item := range list {
			f, err := redis.Strings(item, nil)
			if err != nil || len(f) < 2 {
				continue
			}
			if n := tcp(f[0], f[1]); !n.IsZero() {
				a.replicas = append(a.replicas, n)
			}
		}
	case word == "slave" && len(items) >= 5:
		a.role = Replica
		host, _ := redis.String(items[1], nil)
		port, _ := redis.Int(items[2], nil)
		state, _ := redis.String(items[3], nil)
		a.of = tcp(host, strconv.Itoa(port))
		a.linked = state == "connected"
		a.offset, _ = redis.Int64(items[4], nil)
	}
}

// parseInfo adds from INFO replication what ROLE does not say.
func parseInfo(a *answer, v any, err error) {
	text, err := redis.String(v, err)
	if err != nil {
		return
	}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		switch key {
		case "master_replid":
			a.history = value
		case "master_link_status":
			a.linked = a.linked && value == "up"
		}
	}
}

// tcp is the node at a host and port as Redis writes them, zero if there is none.
func tcp(host, port string) topology.Node {
	if host == "" || host == "?" || port == "" || port == "0" {
		return topology.Node{}
	}
	return topology.Node{Network: "tcp", Addr: net.JoinHostPort(host, port)}
}
