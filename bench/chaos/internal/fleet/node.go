package fleet

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/shardtest"
)

// Node is one redis-server or redis-sentinel.
type Node struct {
	Addr   string // where clients and the others reach it
	Host   *Host  // nil without Spec.Hosts
	server *shardtest.Server
}

// Kill, Pause, Resume and Restart do what those of shardtest.Server do.
func (n *Node) Kill() error    { return n.server.Kill() }
func (n *Node) Pause() error   { return n.server.Pause() }
func (n *Node) Resume() error  { return n.server.Resume() }
func (n *Node) Restart() error { return n.server.Restart() }

// Log is the end of what it wrote.
func (n *Node) Log() string { return n.server.Log() }

// State tells whether its process runs.
func (n *Node) State() shardtest.State { return n.server.State() }

// Do sends one command over a connection of its own.
func (n *Node) Do(command string, args ...any) (any, error) {
	c, err := n.Dial()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.Do(command, args...)
}

// Dial connects to it, with two seconds for each answer.
func (n *Node) Dial() (redis.Conn, error) {
	const limit = 2 * time.Second
	return redis.Dial("tcp", n.Addr, redis.DialConnectTimeout(limit), redis.DialReadTimeout(limit), redis.DialWriteTimeout(limit))
}

// Role is "master" or "slave", as Redis says.
func (n *Node) Role() (string, error) {
	reply, err := redis.Values(n.Do("ROLE"))
	if err != nil {
		return "", err
	}
	return redis.String(reply[0], nil)
}

// Info is a field of INFO, "" if it has none.
func (n *Node) Info(section, field string) (string, error) {
	text, err := redis.String(n.Do("INFO", section))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(value), nil
		}
	}
	return "", nil
}

// Calls is how often it has executed a command.
func (n *Node) Calls(command string) (int, error) {
	stat, err := n.Info("commandstats", "cmdstat_"+command)
	if err != nil || stat == "" {
		return 0, err
	}
	count, _, _ := strings.Cut(strings.TrimPrefix(stat, "calls="), ",")
	return strconv.Atoi(count)
}

// startNode starts a redis-server, a replica if of is not nil.
func (f *Fleet) startNode(ctx context.Context, of *Node) (*Node, error) {
	conf := []string{
		"save \"\"", "protected-mode no", "maxclients 5000", "tcp-backlog 1024",
		"repl-diskless-sync yes", "repl-diskless-sync-delay 0", "repl-diskless-load on-empty-db", "repl-ping-replica-period 1",
	}
	if f.Spec.Persistent {
		conf = append(conf, "appendonly yes", "appendfsync always")
	}
	if of != nil {
		host, port, err := net.SplitHostPort(of.Addr)
		if err != nil {
			return nil, err
		}
		conf = append(conf, "replicaof "+host+" "+port)
	}
	return f.start(ctx, shardtest.Spec{Program: "redis-server", Install: "apt-get install -y redis-server"}, append(conf, f.Spec.Config...))
}

// start starts a program of Redis's with this configuration, on a host of its own
// if the fleet has hosts. The program may rewrite the file, which outlives it.
func (f *Fleet) start(ctx context.Context, spec shardtest.Spec, conf []string) (*Node, error) {
	n := &Node{}
	spec.Name, spec.Args = spec.Program, []string{"${CONFIG}"}
	where := []string{"bind 127.0.0.1", "port ${PORT}", "dir ${DIR}"}
	spec.Ready = shardtest.ReadyRedis
	if f.network != nil {
		var err error
		if n.Host, err = f.network.host(ctx); err != nil {
			return nil, err
		}
		path, err := exec.LookPath(spec.Program)
		if err != nil {
			return nil, &shardtest.MissingError{Program: spec.Program, Install: spec.Install}
		}
		where = []string{"bind 0.0.0.0", "port 6379", "dir ${DIR}"}
		n.Addr = n.Host.IP + ":6379"
		spec.Ready = func(string) error { return shardtest.ReadyRedis(n.Addr) }
		spec.Args = n.Host.args(path, spec.Args...)
		spec.Program = "ip"
	}
	spec.Config = strings.Join(slices.Concat(where, conf), "\n") + "\n"
	server, err := shardtest.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	n.server = server
	if n.Addr == "" {
		n.Addr = server.Addr
	}
	return n, nil
}

// AwaitReplicas waits until the primary has count replicas that are in step.
func (s *Shard) AwaitReplicas(ctx context.Context, count int) error {
	return await(ctx, 20*time.Second, func() error {
		p, err := s.Primary()
		if err != nil {
			return err
		}
		online := 0
		for i := range s.Nodes {
			line, err := p.Info("replication", "slave"+strconv.Itoa(i))
			if err != nil {
				return err
			}
			if strings.Contains(line, "state=online") {
				online++
			}
		}
		if online < count {
			return fmt.Errorf("shard %s has %d of %d replicas in step", s.Name, online, count)
		}
		return nil
	})
}

// Primary is the node that calls itself that; an error if none or several do.
func (s *Shard) Primary() (*Node, error) {
	var found []*Node
	var last error
	for _, n := range s.Nodes {
		if n.State() != shardtest.Running {
			continue
		}
		role, err := n.Role()
		if err != nil {
			last = err
		}
		if role == "master" {
			found = append(found, n)
		}
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("shard %s has %d primaries (%v)", s.Name, len(found), last)
	}
	return found[0], nil
}

// AwaitPrimary waits until a node is the only primary.
func (s *Shard) AwaitPrimary(ctx context.Context, primary *Node) error {
	return await(ctx, 20*time.Second, func() error {
		p, err := s.Primary()
		if err == nil && p != primary {
			err = fmt.Errorf("shard %s has the primary %s, want %s", s.Name, p.Addr, primary.Addr)
		}
		return err
	})
}

// Settled waits until the shard has one primary and all others follow it.
func (s *Shard) Settled(ctx context.Context) error {
	return await(ctx, 40*time.Second, func() error {
		p, err := s.Primary()
		if err != nil {
			return err
		}
		for _, n := range s.Nodes {
			if n == p {
				continue
			}
			var fields [3]string
			for i, name := range [...]string{"master_host", "master_port", "master_link_status"} {
				if fields[i], err = n.Info("replication", name); err != nil {
					return err
				}
			}
			if net.JoinHostPort(fields[0], fields[1]) != p.Addr || fields[2] != "up" {
				return fmt.Errorf("shard %s: %s follows %s:%s, link %s; the primary is %s", s.Name, n.Addr, fields[0], fields[1], fields[2], p.Addr)
			}
		}
		return nil
	})
}

// Follow makes it a replica of the primary that addr leads to.
func (n *Node) Follow(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	_, err = n.Do("REPLICAOF", host, port)
	return err
}
