package config

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/shardring/shardring/ring"
)

// File is one configuration file, read and found to be possible. It is not
// changed after [Parse]; whoever changes it owns the consequences.
type File struct {
	Path  string // as given to Load or Parse
	Proxy Proxy
	Pools []*Pool // at least one, in the order of the file
}

// Proxy holds the settings of the proxy's process, the top-level key
// shardproxy:. The library does not use them.
type Proxy struct {
	Loops    int        // event loops; 0: the proxy chooses
	LogLevel slog.Level // Info is the zero value and the default
	Admin    Listen     // of the admin address; zero: none
	Watch    bool       // the file is read again when it changes
	// AcceptMovedKeys lets a file that is read again place keys on other shards.
	AcceptMovedKeys bool
	Zone            string // where the proxy stands, for balance: same_zone
}

// Pool is one set of shards and how they are reached.
type Pool struct {
	Name   string
	Listen Listen // zero: for the library only
	Redis  bool   // false: memcached

	Ring   ring.Config // placement, hash and tag as they are in effect, never ""
	Shards []Shard     // as Ring.Shards, index by index

	Timeout           time.Duration // of a request, connecting included; 0: none
	ConnectTimeout    time.Duration // of a connect, within Timeout
	Backlog           int           // of listen(2)
	ClientConnections int           // at most this many clients; 0: no limit of ours
	ServerConnections int           // to each server, at least 1
	TCPKeepAlive      bool          // on connections to servers
	ReusePort         bool          // SO_REUSEPORT on the listener
	Preconnect        bool          // connect to every server at start

	OnShardError OnShardError // what keys of a shard that fails are to the proxy's clients

	CrossShardReads bool // SUNION and its like may have keys on several shards

	// Sentinels know the shards' servers, by Shard.MasterName; without any, the
	// shards' own Primary and Replicas do, and where these say that they follow.
	Sentinels        []Address
	SentinelAuth     Secret
	SentinelUsername string        // "": their default user
	HealthInterval   time.Duration // between two probes of a server

	ReadFrom           ReadFrom
	Balance            Balance       // among servers that may be read from
	MaxReplicaLag      time.Duration // a replica that is farther behind is not read from; 0: no limit
	MaxReplicaLagBytes int           // the same, in bytes of the replication stream
	ReadYourWrites     time.Duration // after a write a session reads that shard's primary for so long
	HedgeReads         bool          // a read that takes longer than usual is asked of another server too

	MaxInFlight          int           // requests under way at one server; 0: no limit
	MaxRequestsPerSecond int           // of one client; 0: no limit
	MaxOutput            int           // bytes of replies that one client has not taken; more ends it
	ClientIdleTimeout    time.Duration // of a client that asks nothing; 0: none
	ClientKeepAlive      time.Duration // TCP keep-alive on clients' connections; 0: none

	AutoEjectHosts     bool // a cache: shards that fail give their keys to others
	ServerRetryTimeout time.Duration
	ServerFailureLimit int // failures in a row that eject

	Auth     Secret // redis_auth: for servers, and asked of clients
	Database int    // redis_db: of the servers; 0: clients choose
	Users    []User // who may log in at the proxy; none: who knows Auth may do everything

	ServerAuth     Secret // for servers, where it is not Auth; see Login
	ServerUsername string // "": the servers' default user

	tag tagSetting // as the file says it, for WriteTo
}

// Login returns what the proxy and the library log in with at the servers. There
// is no login if the password is "", and none but the default user's if the name
// is.
func (p *Pool) Login() (username, password string) {
	if p.ServerAuth.IsZero() {
		return p.ServerUsername, p.Auth.Value()
	}
	return p.ServerUsername, p.ServerAuth.Value()
}

// User is one user of a pool. What its rules mean is the proxy's business.
type User struct {
	Name      string
	Passwords []Secret // each of them will do
	Rules     string   // as ACL SETUSER takes them, without passwords
}

// Shard is one shard and its servers.
type Shard struct {
	Name     string // its identity; "" only under jedis, where it may be its place in the list
	Weight   int
	Primary  Address
	Replicas []Replica
	Master   string // what the pool's Sentinels call it; see MasterName
	Zone     string // where the primary stands
}

// Addresses returns those of the primary, which is first and may be the zero
// Address in a pool with Sentinels, and of the replicas.
func (s Shard) Addresses() []Address {
	all := []Address{s.Primary}
	for _, r := range s.Replicas {
		all = append(all, r.Address)
	}
	return all
}

// String returns the shard's name, or its primary's address when it has none.
func (s Shard) String() string {
	if s.Name == "" {
		return s.Primary.String()
	}
	return s.Name
}

// Load reads and parses the file at path. An error is [Errors] when the file's
// content is not accepted, else what the operating system says.
func Load(path string, opts ...Option) (*File, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(path, data, opts...)
}

// Parse reads a file's content. name stands in errors and is where relative
// paths of secrets start; nothing else is read from it. An error is [Errors]
// with every problem of the file.
func Parse(name string, data []byte, opts ...Option) (*File, error) {
	o := options{lookup: os.LookupEnv, read: readSecretFile}
	for _, opt := range opts {
		opt(&o)
	}
	text := strings.TrimPrefix(string(data), "\uFEFF")
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	d := &decoder{problems: newProblems(name, text), options: o, dir: filepath.Dir(name)}
	file := d.file(name, text)
	if err := d.err(); err != nil {
		return nil, err
	}
	return file, nil
}

// Option changes where [Parse] finds what the file refers to.
type Option func(*options)

type options struct {
	lookup func(name string) (string, bool)
	read   func(path string) ([]byte, error)
}

// WithEnv takes the values of ${NAME} from lookup in place of os.LookupEnv.
func WithEnv(lookup func(name string) (value string, ok bool)) Option {
	return func(o *options) { o.lookup = lookup }
}

// WithSecrets reads the files of secrets by read in place of the file system.
func WithSecrets(read func(path string) ([]byte, error)) Option {
	return func(o *options) { o.read = read }
}

const maxSecret = 64 << 10

// readSecretFile reads at most a little more than a secret may have, so that
// an endless file does no harm.
func readSecretFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSecret+1))
}

// Pool returns the pool of that name; "" is the only pool of a file with one.
func (f *File) Pool(name string) (*Pool, error) {
	names := make([]string, len(f.Pools))
	for i, p := range f.Pools {
		if p.Name == name {
			return p, nil
		}
		names[i] = p.Name
	}
	if name == "" {
		if len(f.Pools) == 1 {
			return f.Pools[0], nil
		}
		return nil, fmt.Errorf("%s has %d pools, name one: %s", f.Path, len(names), strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("%s has no pool %q: it has %s", f.Path, name, strings.Join(names, ", "))
}
