package audit

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/shardring/shardring/shard/topology"
)

// server is one redis-server, which holds one shard or, where a file says so,
// several. It does not change once Open has returned.
type server struct {
	shards []int  // indices into the pool's, ascending; at least one
	name   string // of the first of them, in messages and reports
	node   topology.Node
	scan   topology.Node // where it is scanned: node, or a replica of it
	info   info
}

// Error says on which shard and node something went wrong.
type Error struct {
	Shard string
	Node  string // "": none is known
	Err   error
}

func (e *Error) Error() string {
	if e.Node == "" {
		return fmt.Sprintf("shard %s: %v", e.Shard, e.Err)
	}
	return fmt.Sprintf("shard %s at %s: %v", e.Shard, e.Node, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

func (s *server) wrap(err error) error {
	if err == nil {
		return nil
	}
	return &Error{s.name, s.node.String(), err}
}

// info is what INFO tells of a server.
type info struct {
	id      string // run_id: equal ones are one process
	primary bool
	loading bool
	linked  bool   // of a replica: its link to the primary is up
	of      string // of a replica: its primary
	version version
	keys    map[int]int64 // by database; databases without keys are missing
}

func parseInfo(text string) (info, error) {
	fields := map[string]string{}
	n := info{keys: map[int]int64{}}
	for line := range strings.Lines(text) {
		k, v, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		fields[k] = v
		number, isDB := strings.CutPrefix(k, "db")
		if db, err := strconv.Atoi(number); isDB && err == nil {
			count, _, _ := strings.Cut(strings.TrimPrefix(v, "keys="), ",")
			if n.keys[db], err = strconv.ParseInt(count, 10, 64); err != nil {
				return n, fmt.Errorf("INFO says %q, want db0:keys=1,…", line)
			}
		}
	}
	n.id = fields["run_id"]
	if n.id == "" {
		return n, fmt.Errorf("INFO without run_id: it could not be told from other servers")
	}
	n.primary = fields["role"] == "master"
	n.of = fields["master_host"] + ":" + fields["master_port"]
	n.linked = fields["master_link_status"] == "up"
	n.loading = fields["loading"] == "1"
	var err error
	n.version, err = parseVersion(fields["redis_version"])
	return n, err
}

// databases lists those with keys.
func (n info) databases() []int { return slices.Sorted(maps.Keys(n.keys)) }

// count is the number of keys in these databases.
func (n info) count(databases []int) (keys int64) {
	for _, db := range databases {
		keys += n.keys[db]
	}
	return keys
}

// version is what a server can do by its redis_version; that of forks is the
// one of Redis that they are compatible with.
type version struct{ major, minor int }

func parseVersion(s string) (version, error) {
	var v version
	if _, err := fmt.Sscanf(s, "%d.%d", &v.major, &v.minor); err != nil {
		return v, fmt.Errorf("INFO says redis_version %q, want one like 7.0.15", s)
	}
	return v, nil
}

func (v version) String() string      { return fmt.Sprintf("%d.%d", v.major, v.minor) }
func (v version) memoryUsage() bool   { return v.major >= 4 }
func (v version) expireTime() bool    { return v.major >= 7 } // PEXPIRETIME
func (v version) restoreExtras() bool { return v.major >= 5 } // ABSTTL, IDLETIME, FREQ

// deleting is the command that deletes and frees in the background.
func (v version) deleting() string {
	if v.major >= 4 {
		return "UNLINK"
	}
	return "DEL"
}
