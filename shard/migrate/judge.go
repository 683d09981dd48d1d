package migrate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// judged is what the checks are made from.
type judged struct {
	Header
	source, target facts
	rate           float64 // bytes a second of the replication stream
	sentinels      bool    // the pool has some
	isReplica      bool    // the target copies the source already
	taken          string  // which other shard has the target, "": none
	apart          string  // why one does not find the other, "": nothing is known
	shared         string  // which other pool has the source, "": none
	user           string  // of the pool's login
}

// judge makes all checks; if a node does not answer, only that one. It does no I/O.
func judge(r *Report, j judged) {
	for _, n := range []struct {
		name, addr string
		f          facts
	}{{"source", j.Source, j.source}, {"target", j.Target, j.target}} {
		switch {
		case n.f.err == nil:
		case isReply(n.f.err, "NOAUTH"), isReply(n.f.err, "WRONGPASS"), isReply(n.f.err, "ERR invalid password"), isReply(n.f.err, "ERR Client sent AUTH"), isReply(n.f.err, "ERR AUTH"):
			do := "set requirepass or the ACL user at " + n.addr
			if n.name == "source" {
				do = "correct it in the file"
			}
			r.add(n.name, Refuse, "%v: the pool's login (server_auth, redis_auth) has to be that of both nodes; %s", n.f.err, do)
		case isReply(n.f.err, "NOPERM"):
			r.add(n.name, Refuse, "%v: a move looks at both nodes first; ACL SETUSER +ping +info there, for the pool's login", n.f.err)
		case isReply(n.f.err, "LOADING"):
			r.add(n.name, Refuse, "%s is loading its data: wait until it has", n.addr)
		default:
			r.add(n.name, Refuse, "%v: start it, or open the way to it", n.f.err)
		}
	}
	if r.Refused() != nil {
		return
	}
	s, t := j.source, j.target
	if s.info["run_id"] != "" && s.info["run_id"] == t.info["run_id"] {
		r.add("nodes", Refuse, "%s and %s are the same server: name another one in --to", j.Source, j.Target)
		return
	}
	if !judgeKinds(r, j) {
		return
	}
	if j.apart != "" {
		r.add("addresses", Refuse, "%s", j.apart)
	}
	if j.shared != "" {
		r.add("other pools", Warn, "%s too, and only pool %s is rewritten: its proxies follow by themselves; change it there after the move", j.shared, j.Pool)
	}
	judgePermits(r, j)
	judgeRoles(r, j)
	judgeMemory(r, j)
	judgeStream(r, j)
	judgeSettings(r, j)
	if d := (s.skew - t.skew).Abs(); d > 500*time.Millisecond {
		r.add("clocks", Warn, "%v apart: keys with a time to live end so much earlier or later after the move; see to NTP on both", d.Round(time.Millisecond))
	} else {
		r.add("clocks", OK, "%v apart", d.Round(100*time.Microsecond))
	}
	r.add("way", OK, "%s", j.Way)
}

// judgeKinds returns false where nothing else can be judged.
func judgeKinds(r *Report, j judged) bool {
	s, t := j.source.info, j.target.info
	for _, n := range []struct {
		addr string
		info map[string]string
	}{{j.Source, s}, {j.Target, t}} {
		switch {
		case n.info["redis_mode"] == "sentinel":
			r.add("mode", Refuse, "%s is a Sentinel, which holds no data: name a redis-server", n.addr)
			return false
		case n.info["cluster_enabled"] == "1":
			r.add("mode", Refuse, "%s runs in cluster mode: a shard is moved between servers that stand alone; start it with cluster-enabled no", n.addr)
			return false
		}
	}
	sv, tv := s["redis_version"], t["redis_version"]
	if older(tv, sv) {
		r.add("versions", Refuse, "the target's %s is older than the source's %s, whose stream it may not understand: install %s or later there", tv, sv, sv)
	} else {
		r.add("versions", OK, "%s to %s", sv, tv)
	}
	missing := []string{}
	for name, v := range j.source.modules {
		if j.target.modules[name] == "" {
			missing = append(missing, name+" "+v)
		}
	}
	if slices.Sort(missing); len(missing) > 0 {
		r.add("modules", Refuse, "the target lacks %s: load them there", strings.Join(missing, ", "))
	} else {
		r.add("modules", OK, "%d at the source", len(j.source.modules))
	}
	return true
}

func judgeRoles(r *Report, j judged) {
	s, t := j.source.info, j.target.info
	if s["role"] != "master" {
		r.add("source", Refuse, "%s is a replica of %s:%s: the configuration has to name the shard's primary", j.Source, s["master_host"], s["master_port"])
	} else {
		r.add("source", OK, "%s, primary, replicas: %s", j.Source, s["connected_slaves"])
	}
	holds := holding(t, j.target.functions)
	switch {
	case j.isReplica:
		r.add("target", OK, "%s, a replica of the source already", j.Target)
	case j.taken != "":
		r.add("target", Refuse, "%s is a node already, and would lose its data: %s; name one in --to that no shard has", j.Target, j.taken)
	case t["role"] != "master":
		r.add("target", Refuse, "%s is a replica of %s:%s: detach it first (REPLICAOF NO ONE), or name another one in --to", j.Target, t["master_host"], t["master_port"])
	case number(t, "connected_slaves") > 0:
		r.add("target", Refuse, "%s has replicas of its own, %s: detach them first, or name another one in --to", j.Target, t["connected_slaves"])
	case holds != "" && !j.Flush:
		r.add("target", Refuse, "%s is not empty, it has %s: name an empty one in --to, or say --flush-target to lose them", j.Target, holds)
	case holds != "":
		r.add("target", Warn, "%s has %s, which will be lost (--flush-target)", j.Target, holds)
	default:
		r.add("target", OK, "%s, empty", j.Target)
	}
	switch n := j.source.sentinels; {
	case j.sentinels && n == 0:
		r.add("sentinels", Refuse, "the pool has sentinels, and none of them is connected to %s: see that they watch the shard", j.Source)
	case !j.sentinels && j.target.sentinels > 0:
		r.add("sentinels", Refuse, "a Sentinel watches %s, which another shard has, then, or had: name another one in --to, or SENTINEL REMOVE it there", j.Target)
	case !j.sentinels && n > 0:
		r.add("sentinels", Refuse, "a Sentinel watches %s and the pool has none: list it as sentinels: in the pool, so that the switch is not made behind its back", j.Source)
	case j.sentinels:
		r.add("sentinels", OK, "they elect the target")
	default:
		r.add("sentinels", OK, "none")
	}
}

// holding says what a node has, "" if it has nothing.
func holding(info map[string]string, functions int) string {
	var all []string
	keys := int64(0)
	for _, n := range keyspace(info) {
		keys += n
	}
	if keys > 0 {
		all = append(all, counted(keys, "key", "keys"))
	}
	if functions > 0 {
		all = append(all, counted(int64(functions), "library of functions", "libraries of functions"))
	}
	return strings.Join(all, " and ")
}

func counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func judgeMemory(r *Report, j judged) {
	s, t := j.source.info, j.target.info
	used := number(s, "used_memory")
	total, limit := number(t, "total_system_memory"), number(t, "maxmemory")
	free := total - number(t, "used_memory_rss")
	switch {
	case limit > 0 && limit < used && t["maxmemory_policy"] == "noeviction":
		r.add("memory", Refuse, "the source uses %s, the target's maxmemory is %s: CONFIG SET maxmemory %d there, or more", Size(used), Size(limit), used+used/4)
	case limit > 0 && limit < used:
		r.add("memory", Refuse, "the source uses %s, the target's maxmemory is %s and would evict keys (%s): CONFIG SET maxmemory %d there, or more", Size(used), Size(limit), t["maxmemory_policy"], used+used/4)
	case total > 0 && free < used:
		r.add("memory", Refuse, "the source uses %s, the target's machine has %s free: take a bigger one", Size(used), Size(free))
	case total > 0 && free < 2*used:
		r.add("memory", Warn, "the source uses %s, the target's machine has %s free: less than twice as much, and saving may copy on write", Size(used), Size(free))
	default:
		r.add("memory", OK, "the source uses %s, the target may use %s", Size(used), Size(free))
	}
	if room := number(s, "total_system_memory") - number(s, "used_memory_rss"); number(s, "total_system_memory") > 0 && room < used {
		r.add("copy on write", Warn, "the source's machine has %s beside its %s: the fork that sends the data may need as much again under writes", Size(room), Size(used))
	} else {
		r.add("copy on write", OK, "%s beside the source's data", Size(room))
	}
	for _, name := range [...]string{"maxmemory", "maxmemory_policy"} {
		if s[name] != t[name] {
			r.add(strings.ReplaceAll(name, "_", "-"), Warn, "%s at the source, %s at the target", s[name], t[name])
		}
	}
}

// syncSpeed is what a machine loads at least, in bytes a second.
const syncSpeed = 50 << 20

func judgeStream(r *Report, j judged) {
	backlog := number(j.source.info, "repl_backlog_size")
	r.add("write rate", OK, "%s a second", Size(int64(j.rate)))
	if need := int64(j.rate * 10); backlog < need {
		r.add("backlog", Warn, "%s is what is written in %.1f s, and a link that is cut for longer needs a full copy: CONFIG SET repl-backlog-size %d at the source", Size(backlog), float64(backlog)/j.rate, need)
	} else {
		r.add("backlog", OK, "%s", Size(backlog))
	}
	hard := replicaLimit(j.source.config["client-output-buffer-limit"])
	seconds := float64(number(j.source.info, "used_memory"))/syncSpeed + 1
	if need := int64(j.rate * seconds); hard > 0 && hard < need {
		r.add("output buffer", Warn, "while the target copies, perhaps %s are written and the source cuts it off at %s: CONFIG SET client-output-buffer-limit \"replica %d %d 60\" at the source", Size(need), Size(hard), 2*need, 2*need)
	} else {
		r.add("output buffer", OK, "enough for a copy of %.0f s", seconds)
	}
}

// replicaLimit reads the hard limit of replicas from client-output-buffer-limit; 0:
// none, or not said.
func replicaLimit(s string) int64 {
	f := strings.Fields(s)
	for i := 0; i+1 < len(f); i++ {
		if f[i] == "slave" || f[i] == "replica" {
			n, _ := strconv.ParseInt(f[i+1], 10, 64)
			return n
		}
	}
	return 0
}

func judgeSettings(r *Report, j judged) {
	s, t := j.source, j.target
	for _, n := range []struct {
		addr string
		f    facts
	}{{j.Source, s}, {j.Target, t}} {
		switch ro := n.f.config["replica-read-only"] + n.f.config["slave-read-only"]; {
		case n.f.configErr != nil && j.Way != ByFailover:
			r.add("config", Refuse, "%v: the %s way sets values for the time of the switch; --switch failover does not", n.f.configErr, j.Way)
		case n.f.configErr != nil:
			r.add("config", Warn, "%v: replica-read-only and the users that replication needs cannot be checked or set", n.f.configErr)
		case strings.Contains(ro, "no"):
			r.add("replica-read-only", Refuse, "no at %s, so it would take writes as a replica and lose them: CONFIG SET replica-read-only yes there", n.addr)
		}
	}
	if databases := func(f facts) int { n, _ := strconv.Atoi(f.config["databases"]); return n }; databases(t) < databases(s) {
		r.add("databases", Refuse, "%d at the target, %d at the source: start the target with --databases %d", databases(t), databases(s), databases(s))
	}
	how := map[bool]string{true: "copied (--copy-config)", false: "not copied: --copy-config does"}[j.Copy]
	if names := differing(s.config, t.config); len(names) > 0 {
		var all []string
		for _, n := range names {
			all = append(all, fmt.Sprintf("%s %q here %q there", n, s.config[n], t.config[n]))
		}
		r.add("settings", Warn, "%s; %s", strings.Join(all, ", "), how)
	} else if s.config != nil && t.config != nil {
		r.add("settings", OK, "the same that matter")
	}
	if names := unlikeUsers(s.users, t.users); len(names) > 0 {
		r.add("users", Warn, "replication does not carry %s; %s", strings.Join(names, ", "), how)
	} else {
		r.add("users", OK, "the same")
	}
	if s.functions > 0 {
		r.add("functions", OK, "carried, libraries: %d", s.functions)
	}
	if a, b := persistence(s.config), persistence(t.config); a != b {
		r.add("persistence", Warn, "%s at the source, %s at the target", a, b)
	} else if s.config != nil {
		r.add("persistence", OK, "%s at both", a)
	}
}

// persistence says what a node keeps on its disk.
func persistence(c map[string]string) string {
	switch aof, save := c["appendonly"] == "yes", c["save"] != ""; {
	case c == nil:
		return "not known"
	case aof && save:
		return "append-only file and snapshots"
	case aof:
		return "append-only file"
	case save:
		return "snapshots"
	}
	return "none"
}

// Size writes bytes for people.
func Size(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	v, i := float64(n)/unit, 0
	for ; v >= unit && i < 4; i++ {
		v /= unit
	}
	return fmt.Sprintf("%.1f %ciB", v, "KMGTP"[i])
}
