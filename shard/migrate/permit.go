package migrate

import (
	"context"
	"strings"

	"github.com/gomodule/redigo/redis"
)

// probe is a command that a move needs, with arguments that no server takes, or that
// change nothing: who may not send it is told so before they are looked at.
type probe struct {
	name string
	args []any
	rule string // of an ACL, that allows it
}

// absent is a key that is not there; reading it takes the right to read all keys.
const absent = "shardproxy:no-such-key"

var probes = []probe{
	{"REPLICAOF", []any{"refused", "not-a-port"}, "+replicaof"},
	{"CONFIG SET", []any{"no-such-setting", "0"}, "+config|set"},
	{"CLIENT PAUSE", []any{"not-a-time", "WRITE"}, "+client|pause +client|unpause"},
	{"FAILOVER", []any{"TO", "refused", "not-a-port"}, "+failover"},
	{"REPLCONF", []any{"no-such-option", "0"}, "+replconf +psync"},
	{"DBSIZE", nil, "+dbsize"},
	{"RANDOMKEY", nil, "+randomkey"},
	{"TYPE", []any{absent}, "+@read ~*"}, {"PTTL", []any{absent}, "+@read ~*"}, {"GET", []any{absent}, "+@read ~*"},
	{"LLEN", []any{absent}, "+@read ~*"}, {"SCARD", []any{absent}, "+@read ~*"}, {"ZCARD", []any{absent}, "+@read ~*"},
	{"HLEN", []any{absent}, "+@read ~*"}, {"XLEN", []any{absent}, "+@read ~*"},
}

// denied returns the probes that a node refuses to its user, and those that it does not
// have, by their names.
func (n *node) denied(ctx context.Context) map[string]string {
	all := map[string]string{}
	for _, p := range probes {
		words := strings.Fields(p.name)
		args := p.args
		if len(words) > 1 {
			args = append([]any{words[1]}, args...)
		}
		_, err := n.do(ctx, words[0], args...)
		switch {
		case isReply(err, "NOPERM"):
			all[p.name] = "may not"
		case isReply(err, "ERR unknown command"):
			all[p.name] = "is not there"
		}
	}
	// PSYNC would begin to copy, so it is only asked about, where that can be.
	if user, err := redis.String(n.do(ctx, "ACL", "WHOAMI")); err == nil {
		if v, err := redis.String(n.do(ctx, "ACL", "DRYRUN", user, "PSYNC", "?", "-1")); err == nil && v != "OK" {
			all["REPLCONF"] = "may not"
		}
	}
	return all
}

// required says whether a node of a move by that way needs a probe.
func required(w Way, name string, source bool) bool {
	switch name {
	case "REPLICAOF":
		return !source || w != ByFailover
	case "CONFIG SET":
		return w != ByFailover
	case "CLIENT PAUSE":
		return source && (w == ByPause || w == BySentinels)
	case "FAILOVER":
		return source && w == ByFailover
	}
	return true
}

// judgePermits refuses where a command would be refused in the midst of the move.
func judgePermits(r *Report, j judged) {
	sound := true
	for _, n := range []struct {
		addr   string
		source bool
		facts  facts
	}{{j.Source, true, j.source}, {j.Target, false, j.target}} {
		var names, rules []string
		for _, p := range probes {
			why := n.facts.denied[p.name]
			switch {
			case p.name == "CONFIG SET" && n.facts.configErr != nil: // judgeSettings says it
			case why == "" || !required(j.Way, p.name, n.source):
			case why == "is not there" && p.name == "REPLICAOF": // SLAVEOF before Redis 5, XLEN neither
			case why == "is not there" && p.name == "XLEN":
			case why == "is not there":
				sound = false
				r.add("permissions", Refuse, "%s has no %s, which the %s way needs: take another one with --switch, or start it without that rename-command", n.addr, p.name, j.Way)
			default:
				names = append(names, p.name)
				if len(rules) == 0 || rules[len(rules)-1] != p.rule {
					rules = append(rules, p.rule)
				}
			}
		}
		if len(names) > 0 {
			sound = false
			user := j.user
			if user == "" {
				user = "default"
			}
			r.add("permissions", Refuse, "user %s may not %s at %s: ACL SETUSER %s %s there", user, strings.Join(names, ", "), n.addr, user, strings.Join(rules, " "))
		}
	}
	if sound {
		r.add("permissions", OK, "all that the %s way needs", j.Way)
	}
}
