package shardtest

import (
	"os"
	"time"
)

// Spec describes a program to start. Args, Config and Env may hold
// placeholders, which Start replaces:
//
//	${ADDR}       127.0.0.1:port, the server's Addr
//	${PORT}       its port alone
//	${ADDR.name}  a further address of the same server, see Server.AddrOf
//	${PORT.name}  its port alone
//	${DIR}        the server's own directory, removed by Close
//	${CONFIG}     the path of the file that holds Config
type Spec struct {
	Name    string   // what messages call it; empty: Program
	Program string   // a path, or a name looked up in PATH and the sbin folders
	Install string   // the command that installs Program, quoted when it is missing
	Args    []string // its arguments
	Env     []string // added to this process's environment, "KEY=value"
	Config  string   // written to ${CONFIG}, unless empty

	// Ready reports nil once the server at addr serves. Nil: ReadyTCP.
	Ready func(addr string) error

	// StartTimeout bounds the time until Ready reports nil. Zero: 15 s.
	StartTimeout time.Duration

	// Password is what Server.Do authenticates with. Empty: it does not.
	Password string
}

const defaultStartTimeout = 15 * time.Second

// Option changes the Spec of a ready-made server.
type Option func(*Spec)

// Args adds arguments to the program's own. For redis-server later arguments
// win, so Args("--maxmemory", "10mb") or Args("--save", "1 1") do what they say.
func Args(args ...string) Option {
	return func(s *Spec) { s.Args = append(s.Args, args...) }
}

// Env adds "KEY=value" pairs to the server's environment.
func Env(pairs ...string) Option {
	return func(s *Spec) { s.Env = append(s.Env, pairs...) }
}

// Password makes a redis-server ask for a password, which Server.Do gives.
func Password(password string) Option {
	return func(s *Spec) {
		s.Password = password
		s.Args = append(s.Args, "--requirepass", password)
	}
}

// RedisSpec is a redis-server that persists nothing.
func RedisSpec(opts ...Option) Spec {
	return with(Spec{
		Program: "redis-server",
		Install: "apt-get install -y redis-server",
		Args: []string{
			"--bind", "127.0.0.1", "--port", "${PORT}", "--dir", "${DIR}",
			"--daemonize", "no", "--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0",
		},
		Ready: ReadyRedis,
	}, opts)
}

// SentinelSpec is a redis-sentinel whose configuration goes on with these lines,
// as "sentinel monitor name 127.0.0.1 6379 2". It writes its own state into the file,
// which a Restart keeps.
func SentinelSpec(lines string, opts ...Option) Spec {
	return with(Spec{
		Name:    "redis-sentinel",
		Program: "redis-server",
		Install: "apt-get install -y redis-server",
		Args:    []string{"${CONFIG}", "--sentinel"},
		Config:  "port ${PORT}\nbind 127.0.0.1\ndir ${DIR}\ndaemonize no\n" + lines + "\n",
		Ready:   ReadyRedis,
	}, opts)
}

// MemcachedSpec is a memcached without UDP and with the default 64 MB.
func MemcachedSpec(opts ...Option) Spec {
	args := []string{"-l", "127.0.0.1", "-p", "${PORT}", "-U", "0"}
	if os.Geteuid() == 0 {
		args = append(args, "-u", "root") // it refuses to run as root unasked
	}
	return with(Spec{
		Program: "memcached",
		Install: "apt-get install -y memcached",
		Args:    args,
		Ready:   ReadyMemcached,
	}, opts)
}

// NutcrackerSpec is a nutcracker (twemproxy) with the given nutcracker.yml,
// whose pool says "listen: ${ADDR}"; further pools say "listen: ${ADDR.name}".
// Its statistics are at AddrOf("stats").
func NutcrackerSpec(yml string, opts ...Option) Spec {
	return with(Spec{
		Program: "nutcracker",
		Install: "apt-get install -y nutcracker",
		Args:    []string{"-c", "${CONFIG}", "-a", "127.0.0.1", "-s", "${PORT.stats}"},
		Config:  yml,
	}, opts)
}

// HAProxySpec is an haproxy with the given configuration, which says
// "bind ${ADDR}". It stays in the foreground.
func HAProxySpec(cfg string, opts ...Option) Spec {
	return with(Spec{
		Program: "haproxy",
		Install: "apt-get install -y haproxy",
		Args:    []string{"-db", "-f", "${CONFIG}"},
		Config:  cfg,
	}, opts)
}

func with(s Spec, opts []Option) Spec {
	for _, opt := range opts {
		opt(&s)
	}
	return s
}
