package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/shardtest"
)

// untouched is all of a node and of the files that a move may not leave changed where
// it was refused or taken back.
type untouched struct {
	role   string
	config map[string]string
}

func stateOf(t *testing.T, s *shardtest.Server) untouched {
	t.Helper()
	info, err := redis.String(s.Do("INFO", "replication"))
	if err != nil {
		t.Fatal(err)
	}
	u := untouched{role: "replica"}
	if strings.Contains(info, "role:master") {
		u.role = "primary"
	}
	if u.config, err = redis.StringMap(s.Do("CONFIG", "GET", "*")); err != nil {
		t.Fatal(err)
	}
	return u
}

// sameState fails for each thing that differs.
func sameState(t *testing.T, s *shardtest.Server, was untouched) {
	t.Helper()
	is := stateOf(t, s)
	if is.role != was.role {
		t.Errorf("%s is a %s, was a %s", s.Addr, is.role, was.role)
	}
	for name, v := range was.config {
		if is.config[name] != v {
			t.Errorf("%s has %s %q, had %q", s.Addr, name, is.config[name], v)
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// digest is of all keys of a server, "" where it does not say.
func digest(s *shardtest.Server) string {
	v, _ := redis.String(s.Do("DEBUG", "DIGEST"))
	return v
}

// refusals is a pool whose one shard a test tries to move, and what may not be changed.
type refusals struct {
	path    string
	servers []*shardtest.Server
}

// refusing writes a file with these lines in its pool and the source as its shard.
func refusing(t *testing.T, lines string, servers ...*shardtest.Server) *refusals {
	t.Helper()
	text := fmt.Sprintf("cache:\n  redis: true\n%s  shards:\n    - {name: cache-1, primary: %s}\n", lines, servers[0].Addr)
	return &refusals{write(t, "pools.yml", text), servers}
}

// refused runs the command, and checks that it fails with a line that says what to do,
// and that nothing was changed.
func (r *refusals) refused(t *testing.T, want string, args ...string) {
	t.Helper()
	var was []untouched
	var digests []string
	for _, s := range r.servers {
		was, digests = append(was, stateOf(t, s)), append(digests, digest(s))
	}
	file := readFile(t, r.path)
	have := call(t, "", program, append([]string{"move", "-c", r.path}, args...)...)
	if have.code == exitDone || have.code == -1 {
		t.Errorf("%v: exit code %d", args, have.code)
	}
	// The last line is the error; the table above it may say the same.
	lines := strings.Split(strings.TrimSpace(have.stderr), "\n")
	if last := lines[len(lines)-1]; !strings.Contains(last, want) && !strings.Contains(have.stderr, want) {
		t.Errorf("%v: no %q in\n%s", args, want, have.stderr)
	}
	for i, s := range r.servers {
		sameState(t, s, was[i])
		if d := digest(s); d != digests[i] {
			t.Errorf("the keys of %s were changed", s.Addr)
		}
	}
	if readFile(t, r.path) != file {
		t.Error("the file was changed")
	}
	left, err := filepath.Glob(r.path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range left {
		if name != r.path && !strings.HasSuffix(name, ".lock") {
			t.Errorf("%s is left", name)
		}
	}
	if t.Failed() {
		t.Fatalf("%v\n%s%s", args, have.stdout, have.stderr)
	}
}

// TestMoveRefused: what cannot be moved is refused before anything is changed, with what
// to do. That a target may not be older is in TestJudge: there is one version here.
func TestMoveRefused(t *testing.T) {
	source := shardtest.Redis(t, debuggable)
	if _, err := source.Do("SET", "k", "v"); err != nil {
		t.Fatal(err)
	}
	empty := func(opts ...shardtest.Option) *shardtest.Server {
		return shardtest.Redis(t, append([]shardtest.Option{debuggable}, opts...)...)
	}
	to := func(s *shardtest.Server) []string { return []string{"--shard", "cache-1", "--to", s.Addr} }

	full := empty()
	if _, err := full.Do("SET", "k", "v"); err != nil {
		t.Fatal(err)
	}
	refusing(t, "", source, full).refused(t, "is not empty, it has 1 key: name an empty one in --to, or say --flush-target to lose them", to(full)...)

	target := empty()
	plain := refusing(t, "", source, target)
	plain.refused(t, `pool cache has no shard "cache-3": name one of cache-1`, "--shard", "cache-3", "--to", target.Addr)
	plain.refused(t, `no pool "cash"`, append(to(target), "-p", "cash")...)
	plain.refused(t, "the shard's primary already: name another node", to(source)...)
	plain.refused(t, `"nowhere": want host:port`, "--shard", "cache-1", "--to", "nowhere")
	plain.refused(t, "--back: shard cache-1 was not moved by this command", "--shard", "cache-1", "--back")
	plain.refused(t, "shard cache-1 was not moved by this command", "--shard", "cache-1", "--retire")
	plain.refused(t, "no move was begun here", "--resume")
	plain.refused(t, "no move was begun here", "--abort")
	plain.refused(t, "want one of --to, --back, --resume, --abort and --retire", "--shard", "cache-1")
	plain.refused(t, "no --shard: name the one to move", "--to", target.Addr)
	plain.refused(t, `--switch "force": want auto, pause, fence or failover`, append(to(target), "--switch", "force")...)
	for _, d := range []string{"0", "-1s", "61s"} {
		plain.refused(t, "want more than 0, and no more than 1m", append(to(target), "--pause", d)...)
	}
	_, port, _ := strings.Cut(source.Addr, ":") // the same server by another name
	plain.refused(t, "are the same server: name another one in --to", "--shard", "cache-1", "--to", "localhost:"+port)

	small := empty(shardtest.Args("--maxmemory", "1100kb"))
	if _, err := source.Do("SET", "big", strings.Repeat("x", 1<<20)); err != nil {
		t.Fatal(err)
	}
	refusing(t, "", source, small).refused(t, "CONFIG SET maxmemory ", to(small)...)
	fewer := empty(shardtest.Args("--databases", "2"))
	refusing(t, "", source, fewer).refused(t, "start the target with --databases 16", to(fewer)...)
	clustered := empty(shardtest.Args("--cluster-enabled", "yes"))
	refusing(t, "", source, clustered).refused(t, "runs in cluster mode: a shard is moved between servers that stand alone; start it with cluster-enabled no", to(clustered)...)
	refusing(t, "", clustered, target).refused(t, "runs in cluster mode", to(target)...)
	writable := empty(shardtest.Args("--replica-read-only", "no"))
	refusing(t, "", source, writable).refused(t, "CONFIG SET replica-read-only yes there", to(writable)...)

	leader := empty()
	replica := shardtest.Replica(t, leader, debuggable)
	refusing(t, "", source, replica, leader).refused(t, "detach it first (REPLICAOF NO ONE)", to(replica)...)
	refusing(t, "", source, replica, leader).refused(t, "has replicas of its own, 1: detach them first", to(leader)...)
	refusing(t, "", replica, leader, target).refused(t, "the configuration has to name the shard's primary", to(target)...)

	gone := shardtest.Redis(t)
	gone.Kill()
	plain.refused(t, "connection refused: start it, or open the way to it", to(gone)...)
	text := strings.Replace(readFile(t, plain.path), source.Addr, gone.Addr, 1)
	(&refusals{write(t, "gone.yml", text), []*shardtest.Server{target}}).refused(t, "connection refused: start it, or open the way to it", to(target)...)

	host, port, _ := strings.Cut(source.Addr, ":")
	sentinel := shardtest.Sentinel(t, fmt.Sprintf("sentinel monitor other %s %s 1", host, port))
	plain.refused(t, "is a Sentinel, which holds no data: name a redis-server", to(sentinel)...)
	soon(t, "the Sentinel watches the source", func() error {
		if list, err := redis.String(source.Do("CLIENT", "LIST")); !strings.Contains(list, "name=sentinel-") {
			return fmt.Errorf("%s %v", list, err)
		}
		return nil
	})
	plain.refused(t, "a Sentinel watches "+source.Addr+" and the pool has none: list it as sentinels: in the pool", to(target)...)
}

// TestMoveRefusedTaken: a node that another shard has is no target, by whatever name and
// whatever it holds: it would lose that, and two shards would be one.
func TestMoveRefusedTaken(t *testing.T) {
	servers := shardtest.RedisN(t, 5, debuggable)
	source, second, watched := servers[0], servers[1], servers[4]
	if _, err := second.Do("SET", "k", "v"); err != nil {
		t.Fatal(err)
	}
	alias := func(s *shardtest.Server) string { return strings.Replace(s.Addr, "127.0.0.1", "localhost", 1) }
	args := func(to string) []string { return []string{"--shard", "cache-1", "--to", to, "--flush-target"} }

	r := refusing(t, "", servers...)
	text := readFile(t, r.path)
	r.path = write(t, "more.yml", text+fmt.Sprintf("    - {name: cache-2, primary: %s}\nother:\n  redis: true\n  shards: [{name: x, primary: %s, replicas: [%q]}]\n", second.Addr, servers[2].Addr, servers[3].Addr))
	for _, s := range servers[1:4] {
		what := "shard cache-2 of pool cache has it as " + s.Addr
		if s != second {
			what = "shard x of pool other has it as " + s.Addr
		}
		r.refused(t, what, append(args(alias(s)), "-p", "cache")...)
	}
	r.refused(t, "shard x of pool other has it as "+servers[2].Addr, append(args(servers[2].Addr), "-p", "cache")...)

	sentinel := shardtest.Sentinel(t, monitor([]*shardtest.Server{source, watched}, 1))
	elected := refusing(t, sentinelsOf([]*shardtest.Server{sentinel}), servers...)
	elected.refused(t, "the Sentinels have it as the master cache-2", args(watched.Addr)...)
	soon(t, "the Sentinel watches the target", func() error {
		if list, err := redis.String(watched.Do("CLIENT", "LIST")); !strings.Contains(list, "name=sentinel-") {
			return fmt.Errorf("%s %v", list, err)
		}
		return nil
	})
	refusing(t, "", second, watched).refused(t, "a Sentinel watches "+watched.Addr+", which another shard has", args(watched.Addr)...)
}

// TestMoveRefusedLogins: passwords that are wrong at either node, and users who may not
// do what the way needs.
func TestMoveRefusedLogins(t *testing.T) {
	open, locked := shardtest.Redis(t, debuggable), shardtest.Redis(t, debuggable, shardtest.Password("sesame"))
	other := shardtest.Redis(t, debuggable, shardtest.Password("other"))
	to := func(s *shardtest.Server) []string { return []string{"--shard", "cache-1", "--to", s.Addr} }
	refusing(t, "", open, locked).refused(t, "NOAUTH Authentication required.: the pool's login (server_auth, redis_auth) has to be that of both nodes; set requirepass or the ACL user at "+locked.Addr, to(locked)...)
	refusing(t, "", locked, open).refused(t, "has to be that of both nodes; correct it in the file", to(open)...)
	refusing(t, "  server_auth: wrong\n", locked, other).refused(t, "WRONGPASS", to(other)...)
	refusing(t, "  server_auth: sesame\n", locked, other).refused(t, "set requirepass or the ACL user at "+other.Addr, to(other)...)
	refusing(t, "  server_auth: sesame\n", locked, open).refused(t, "set requirepass or the ACL user at "+open.Addr, to(open)...)

	for _, c := range []struct{ rules, way, want string }{
		{"+@all ~* -replicaof", "pause", "user mover may not REPLICAOF at %s: ACL SETUSER mover +replicaof there"},
		{"+@all ~* -config|set", "fence", "user mover may not CONFIG SET at %s: ACL SETUSER mover +config|set there"},
		{"+@all ~* -client|pause", "pause", "user mover may not CLIENT PAUSE at %s: ACL SETUSER mover +client|pause +client|unpause there"},
		{"+@all ~* -failover", "failover", "user mover may not FAILOVER at %s: ACL SETUSER mover +failover there"},
		{"+@all ~* -psync", "pause", "user mover may not REPLCONF at %s: ACL SETUSER mover +replconf +psync there"},
		{"+@all ~app:*", "pause", "user mover may not TYPE, PTTL, GET, LLEN, SCARD, ZCARD, HLEN, XLEN at %s: ACL SETUSER mover +@read ~* there"},
		{"+ping", "pause", "INFO at %s: NOPERM"},
		{"+@all ~* -config", "pause", "the pause way sets values for the time of the switch; --switch failover does not"},
	} {
		may := shardtest.Args(append([]string{"--user", "mover", "on", ">sesame"}, strings.Fields(c.rules)...)...)
		from := shardtest.Redis(t, debuggable, may)
		if strings.Contains(c.want, "%s") {
			c.want = fmt.Sprintf(c.want, from.Addr)
		}
		all := shardtest.Redis(t, debuggable, shardtest.Args("--user", "mover", "on", ">sesame", "+@all", "~*"))
		refusing(t, "  server_auth: sesame\n  server_username: mover\n", from, all).refused(t, c.want, append(to(all), "--switch", c.way)...)
	}
	renamed := shardtest.Redis(t, debuggable, shardtest.Args("--rename-command", "FAILOVER", ""))
	refusing(t, "", renamed, open).refused(t, renamed.Addr+" has no FAILOVER, which the failover way needs", append(to(open), "--switch", "failover")...)
}

// TestMoveExcluded: while a move runs, another one of the pool is refused, also one that
// would only look at what was begun; and the first goes on.
func TestMoveExcluded(t *testing.T) {
	m := byWay(t, "pause", slow)
	m.fill(t, 1000)
	another := shardtest.Redis(t)
	was := []untouched{stateOf(t, another), stateOf(t, m.servers[0])}
	u := m.start(t, by("pause", "--to", m.to.Addr)...)
	m.copying(t)
	journal := readFile(t, m.journal())
	for _, args := range [][]string{
		{"--shard", "cache-1", "--to", another.Addr}, {"--shard", "cache-2", "--to", m.to.Addr}, {"--resume"}, {"--abort"}, {"--shard", "cache-2", "--retire"},
	} {
		r := m.move(t, args...)
		wantCode(t, r, exitFailed)
		wantIn(t, r.stderr, "another move of this pool is under way: wait for its end")
	}
	if now, _ := os.ReadFile(m.journal()); !bytes.HasPrefix(now, []byte(journal)) {
		t.Errorf("the journal was changed:\n%s\nwas\n%s", now, journal)
	}
	sameState(t, another, was[0])
	sameState(t, m.servers[0], was[1])
	wantCode(t, u.end(), exitDone)
	m.at(t, m.to, m.servers[1])

	r := m.move(t, "--shard", "cache-1", "--to", m.to.Addr)
	wantCode(t, r, exitFailed)
	wantIn(t, r.stderr, "a node of shard cache-2 already: name one that no shard has")
}

// TestMoveDryRun: everything is checked and printed, and nothing is changed.
func TestMoveDryRun(t *testing.T) {
	m := byWay(t, "pause")
	m.fill(t, 1000)
	m.path = write(t, "more.yml", readFile(t, m.path)+fmt.Sprintf("also:\n  redis: true\n  shards: [{name: x, primary: %s}]\n", m.servers[1].Addr))
	was := m.stands(t)
	began := time.Now()
	r := m.move(t, by("pause", "--pool", "cache", "--to", m.to.Addr, "--dry-run")...)
	wantCode(t, r, exitDone)
	wantIn(t, r.stdout, "CHECK", "versions", "permissions", "memory", "write rate", "clocks", "persistence",
		"shard x of pool also is at "+m.servers[1].Addr+" too, and only pool cache is rewritten")
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	m.takenBack(t, was)
}
