package shard

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/shard/config"
)

// Config describes a client. Only Shards is required; the zero value of
// every other field means its default.
type Config struct {
	// Name is what errors about the whole pool call it. Default "pool".
	Name string
	// Shards are the owners of keys. Their order matters only to placements
	// that count (jedis with unnamed shards, modula, random, slots).
	Shards []Shard

	// Placement, Hash and Tag say which shard owns a key; see package ring.
	// The same three and the same names find the same keys through
	// shardproxy. Defaults: murmur3, the placement's own hash, and its tag.
	Placement ring.Placement
	Hash      ring.Hash
	Tag       ring.Tag

	// Username and Password log in on every connection. Username needs a
	// Password; without it the default user logs in. Default: no login.
	Username string
	Password string
	// Database is selected on every connection. 0 to 16383, default 0.
	Database int

	// Timeout bounds every call, connecting and a retry included, if its
	// context does not end sooner. Default 5 s; negative: none.
	Timeout time.Duration
	// DialTimeout bounds making a connection: dial, login and a PING.
	// Default 1 s.
	DialTimeout time.Duration
	// Dial makes connections. Default: a net.Dialer with TCP keep-alive. What
	// it returns must stay usable after a write deadline has passed, which a
	// *tls.Conn does not; New cannot tell, the first use does.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// NoYield has a caller write at once instead of first letting other
	// goroutines add their commands to its write. It costs rate; beside
	// CPU-bound goroutines it saves delay. Default: yield.
	NoYield bool

	// Sentinels are addresses, host:port, of Redis Sentinels that know the shards'
	// servers; the others of the same masters are found through them. Without any,
	// the servers themselves say who is the primary: see README.md.
	Sentinels []string
	// SentinelUsername and SentinelPassword log in at Sentinels. Default: no login.
	SentinelUsername string
	SentinelPassword string
	// HealthInterval is the time between two probes of a server, where servers are
	// probed: with Sentinels, replicas or AutoEject from the first call on, else
	// from the first failure on. Default 2 s.
	HealthInterval time.Duration
	// ReadFrom says which servers answer commands that only read: config.Primary (the
	// default), config.OnlyReplica, config.PreferReplica, config.Nearest or config.Any.
	// WithReadFrom says it for a call. Replicas are behind: a read may miss what was
	// written a moment ago, or see less than a read before it.
	ReadFrom config.ReadFrom
	// Balance shares reads out among the servers that may answer them:
	// config.LeastRequests (the default), config.RoundRobin, config.Weighted, or
	// config.SameZone, which prefers those whose Zone is this Zone.
	Balance config.Balance
	Zone    string
	// MaxReplicaLag and MaxReplicaLagBytes are how far a replica may be behind that is
	// read from. Default 10 s and no limit in bytes; a negative MaxReplicaLag: none.
	MaxReplicaLag      time.Duration
	MaxReplicaLagBytes int
	// ReadYourWrites is for how long after a write to a shard its reads go to the
	// primary: those of the session (WithSession) or else of the client. Default 0.
	ReadYourWrites time.Duration
	// HedgeReads has a read that one of several servers may answer, and that takes longer
	// than 95 of 100 did at its server, asked of another one too: whoever answers first is
	// heard, and a failure only if both fail. Not before 1 ms, and up to 10 ms later where
	// other calls read the server's replies. For Do of a command with keys on one shard
	// and by ReadFrom; not in pipelines, nor of what is split over shards. Default: off.
	HedgeReads bool
	// Log is told when a shard's nodes change. Default: slog.Default().
	Log *slog.Logger

	// CrossShardReads has SUNION, SINTER, SDIFF, SINTERCARD, ZUNION, ZINTER, ZDIFF,
	// ZINTERCARD and PFCOUNT take keys on several shards: their members are
	// fetched, up to 512 MiB of them, and the reply is made here. Default: such
	// requests get ErrCrossSlot, for nobody sees from a command what it fetches.
	CrossShardReads bool

	// MaxUnsent is how many bytes may wait to be written to a shard before
	// further commands are refused with ErrBacklog; a pipeline waits instead.
	// One command may be larger. Default 64 MiB.
	MaxUnsent int

	// MaxInFlight is how many commands may be under way over the connection that calls
	// share, to one node of a shard: those of pipelines counted one by one, those whose
	// callers have given up until the reply is there, a Conn's until they are received or
	// the reply to a later call is. One more is refused at once with ErrTooMany; a
	// pipeline waits for its own. As many calls may wait for a connection that is being
	// made. Connections of one's own (MaxActive) do not count. Default 65,536, as of
	// max_in_flight; negative: no limit.
	MaxInFlight int

	// MaxActive is how many connections a node may have beside the shared one:
	// one for each blocking command, Tx, EXEC, WATCH and ForEachShard under
	// way, and for each subscription. When all are in use callers wait, for
	// Timeout or until their context ends, and then get ErrExhausted.
	// Default 64. MaxIdle of them are kept for the next, default 8, and
	// IdleTimeout closes those that nobody wanted for so long, default 4 min.
	MaxIdle     int
	MaxActive   int
	IdleTimeout time.Duration

	// AutoEject makes the pool a cache, by twemproxy's rules: a shard that
	// failed FailureLimit times in a row (default 2) gives its keys to the
	// others for RetryTimeout (default 30 s). Default: a store, whose keys
	// never move; a shard that is down is an error.
	AutoEject    bool
	FailureLimit int
	RetryTimeout time.Duration
}

// Shard is one owner of keys.
type Shard struct {
	// Name is its identity: keys stay with the name when the server moves.
	// Only the jedis placements take an empty one.
	Name string
	// Weight is its part of the keys against the others'. Default 1.
	Weight int
	// Primary is its server: host:port, or the path of a unix socket. With
	// Sentinels it may be empty: calls wait until they have said who it is.
	Primary string
	// Replicas are servers that copy the primary. One of them may become it; those
	// that the primary or a Sentinel names are found.
	Replicas []Replica
	// Master is what the Sentinels call it. Default: Name.
	Master string
	// Zone is where the primary stands.
	Zone string
	// Slots are its hash slots, for the placement slots; see ring.Shard.
	Slots []ring.SlotRange
}

// Replica is a server that copies a shard's primary.
type Replica struct {
	Addr   string // host:port, or the path of a unix socket
	Zone   string // where it stands
	Weight int    // its share of reads against the other replicas'. Default 1
}

// ConfigError says what is wrong with a Config.
type ConfigError struct {
	Field  string // "Shards[2].Primary"
	Value  string
	Reason string // what is allowed
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("shard: config: %s %q: %s", e.Field, e.Value, e.Reason)
}

// maxDatabase is far above any server's setting and catches a mix-up with a port.
const maxDatabase = 16383

// withDefaults returns a copy with every zero value replaced, and the first
// thing that is wrong as an error.
func (c Config) withDefaults() (Config, error) {
	def := func(d *time.Duration, by time.Duration) {
		if *d == 0 {
			*d = by
		}
	}
	def(&c.Timeout, 5*time.Second)
	def(&c.DialTimeout, time.Second)
	def(&c.IdleTimeout, 4*time.Minute)
	def(&c.RetryTimeout, 30*time.Second)
	def(&c.HealthInterval, 2*time.Second)
	def(&c.MaxReplicaLag, 10*time.Second)
	count := func(n *int, by int) {
		if *n == 0 {
			*n = by
		}
	}
	count(&c.MaxUnsent, 64<<20)
	count(&c.MaxInFlight, 1<<16)
	count(&c.MaxIdle, 8)
	count(&c.MaxActive, 64)
	count(&c.FailureLimit, 2)
	if c.Name == "" {
		c.Name = "pool"
	}
	c.Timeout, c.MaxReplicaLag, c.MaxInFlight = max(0, c.Timeout), max(0, c.MaxReplicaLag), max(0, c.MaxInFlight)
	c.ReadFrom, c.Balance = cmp.Or(c.ReadFrom, config.Primary), cmp.Or(c.Balance, config.LeastRequests)
	if c.Dial == nil {
		c.Dial = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	return c, c.check()
}

func (c *Config) check() error {
	if len(c.Shards) == 0 {
		return &ConfigError{"Shards", "[]", "want at least one"}
	}
	for _, d := range []struct {
		field string
		value time.Duration
	}{{"DialTimeout", c.DialTimeout}, {"IdleTimeout", c.IdleTimeout}, {"RetryTimeout", c.RetryTimeout}, {"HealthInterval", c.HealthInterval}, {"ReadYourWrites", c.ReadYourWrites}} {
		if d.value < 0 {
			return &ConfigError{d.field, d.value.String(), "want more than 0, or 0 for the default"}
		}
	}
	for _, n := range []struct {
		field string
		value int
	}{{"MaxUnsent", c.MaxUnsent}, {"MaxIdle", c.MaxIdle}, {"MaxActive", c.MaxActive}, {"FailureLimit", c.FailureLimit}, {"MaxReplicaLagBytes", c.MaxReplicaLagBytes}} {
		if n.value < 0 {
			return &ConfigError{n.field, fmt.Sprint(n.value), "want more than 0, or 0 for the default"}
		}
	}
	if c.Database < 0 || c.Database > maxDatabase {
		return &ConfigError{"Database", fmt.Sprint(c.Database), fmt.Sprintf("want 0 to %d", maxDatabase)}
	}
	if c.Username != "" && c.Password == "" {
		return &ConfigError{"Username", c.Username, "want a Password with it"}
	}
	switch c.Balance {
	case config.LeastRequests, config.RoundRobin, config.Weighted, config.SameZone:
	default:
		return &ConfigError{"Balance", string(c.Balance), "want least_requests, round_robin, weighted or same_zone"}
	}
	if c.SentinelUsername != "" && c.SentinelPassword == "" {
		return &ConfigError{"SentinelUsername", c.SentinelUsername, "want a SentinelPassword with it"}
	}
	return nil
}

// pool puts the configuration into the form that the proxy's file has, so
// that both build the same topology.
func (c *Config) pool() (*config.Pool, error) {
	p := &config.Pool{
		Name: c.Name, Redis: true,
		Ring:           ring.Config{Placement: c.Placement, Hash: c.Hash, Tag: c.Tag},
		AutoEjectHosts: c.AutoEject, ServerFailureLimit: c.FailureLimit, ServerRetryTimeout: c.RetryTimeout,
		Auth: config.NewSecret(c.Password), ServerUsername: c.Username,
		SentinelAuth: config.NewSecret(c.SentinelPassword), SentinelUsername: c.SentinelUsername,
		HealthInterval: c.HealthInterval, ConnectTimeout: c.DialTimeout,
		ReadFrom: c.ReadFrom, Balance: c.Balance, ReadYourWrites: c.ReadYourWrites,
		MaxReplicaLag: c.MaxReplicaLag, MaxReplicaLagBytes: c.MaxReplicaLagBytes,
		HedgeReads: c.HedgeReads, MaxInFlight: c.MaxInFlight,
	}
	for i, s := range c.Sentinels {
		addr, err := address(s)
		if err != nil {
			return nil, &ConfigError{fmt.Sprintf("Sentinels[%d]", i), s, err.Error()}
		}
		p.Sentinels = append(p.Sentinels, addr)
	}
	for i, s := range c.Shards {
		if s.Weight == 0 {
			s.Weight = 1
		}
		to, err := s.nodes(fmt.Sprintf("Shards[%d]", i), len(p.Sentinels) > 0)
		if err != nil {
			return nil, err
		}
		p.Ring.Shards = append(p.Ring.Shards, ring.Shard{Name: s.Name, Weight: s.Weight, Slots: s.Slots})
		p.Shards = append(p.Shards, to)
	}
	return p, nil
}

// nodes puts a shard into the form of the proxy's file. field is what errors call
// it.
func (s Shard) nodes(field string, sentinels bool) (to config.Shard, err error) {
	to = config.Shard{Name: s.Name, Weight: s.Weight, Master: s.Master, Zone: s.Zone}
	if s.Primary != "" || !sentinels {
		if to.Primary, err = address(s.Primary); err != nil {
			return to, &ConfigError{field + ".Primary", s.Primary, err.Error()}
		}
	}
	if sentinels && to.MasterName() == "" {
		return to, &ConfigError{field + ".Master", "", "want what the Sentinels call the shard, or a Name"}
	}
	if !sentinels && s.Master != "" {
		return to, &ConfigError{field + ".Master", s.Master, "it is what Sentinels call the shard: want Sentinels with it"}
	}
	for i, r := range s.Replicas {
		at, err := address(r.Addr)
		if err == nil && r.Weight < 0 {
			err = fmt.Errorf("weight %d, want at least 1, or 0 for the default", r.Weight)
		}
		if err != nil {
			return to, &ConfigError{fmt.Sprintf("%s.Replicas[%d]", field, i), r.Addr, err.Error()}
		}
		to.Replicas = append(to.Replicas, config.Replica{Address: at, Zone: r.Zone, Weight: max(1, r.Weight)})
	}
	return to, nil
}

func address(s string) (config.Address, error) {
	if strings.HasPrefix(s, "/") {
		return config.Address{Network: "unix", Addr: s}, nil
	}
	host, port, err := net.SplitHostPort(s)
	if err == nil && (host == "" || port == "") {
		err = fmt.Errorf("host or port is empty")
	}
	if err != nil {
		return config.Address{}, fmt.Errorf("want host:port or the path of a unix socket")
	}
	return config.Address{Network: "tcp", Addr: s}, nil
}

// ConfigOf returns the configuration of a pool read from a file, to be
// changed or given to New.
func ConfigOf(p *config.Pool) Config {
	username, password := p.Login()
	c := Config{
		Name:      p.Name,
		Placement: p.Ring.Placement, Hash: p.Ring.Hash, Tag: p.Ring.Tag,
		Username: username, Password: password, Database: p.Database,
		Timeout:         p.Timeout,
		CrossShardReads: p.CrossShardReads,
		AutoEject:       p.AutoEjectHosts, FailureLimit: p.ServerFailureLimit, RetryTimeout: p.ServerRetryTimeout,
		DialTimeout: p.ConnectTimeout, HealthInterval: p.HealthInterval,
		SentinelUsername: p.SentinelUsername, SentinelPassword: p.SentinelAuth.Value(),
		ReadFrom: p.ReadFrom, Balance: p.Balance, ReadYourWrites: p.ReadYourWrites,
		MaxReplicaLag: p.MaxReplicaLag, MaxReplicaLagBytes: p.MaxReplicaLagBytes,
		HedgeReads: p.HedgeReads, MaxInFlight: p.MaxInFlight,
	}
	if p.MaxReplicaLag == 0 {
		c.MaxReplicaLag = -1
	}
	if p.MaxInFlight == 0 {
		c.MaxInFlight = -1
	}
	for _, s := range p.Sentinels {
		c.Sentinels = append(c.Sentinels, s.Addr)
	}
	if p.Timeout == 0 {
		c.Timeout = -1
	}
	for i, s := range p.Shards {
		to := Shard{
			Name: s.Name, Weight: s.Weight, Primary: s.Primary.Addr, Slots: p.Ring.Shards[i].Slots,
			Master: s.Master, Zone: s.Zone,
		}
		for _, r := range s.Replicas {
			to.Replicas = append(to.Replicas, Replica{Addr: r.Addr, Zone: r.Zone, Weight: r.Weight})
		}
		c.Shards = append(c.Shards, to)
	}
	return c
}

// configIn returns the configuration of a pool of a file, which says the zone too.
func configIn(f *config.File, p *config.Pool) Config {
	cfg := ConfigOf(p)
	cfg.Zone = f.Proxy.Zone
	return cfg
}

// Open makes a client of a pool in a configuration file, the one shardproxy
// reads.
func Open(file, pool string) (*Client, error) {
	f, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	p, err := redisPool(f, pool)
	if err != nil {
		return nil, err
	}
	return New(configIn(f, p))
}
