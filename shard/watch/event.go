package watch

import (
	"strings"

	"github.com/shardring/shardring/shard/topology"
)

// event is what a Sentinel publishes, as far as it matters here.
//
// Those of a failover come in this order (sentinel.c of 7.0), all from the Sentinel
// that leads it; the others only say +switch-master when they hear of the result:
//
//	+failover-state-select-slave          elected, or asked by SENTINEL FAILOVER
//	+selected-slave                       one turn (about 100 ms) later
//	+failover-state-send-slaveof-noone    with it; REPLICAOF NO ONE is sent a turn later
//	+promoted-slave                       an INFO said so: up to 1 s after it was
//	+failover-end, +switch-master         when the other replicas follow, or after failover-timeout
//	-failover-abort-…                     in place of +promoted-slave
//
// So the node is a primary for up to a second before any Sentinel says so, and
// the old one takes writes, which will be lost, for all that time.
type event struct {
	name   string
	master string        // what the Sentinels call the shard
	node   topology.Node // the node it is about; the new one of a switch
	of     topology.Node // the primary at the time
}

// channels are the events to subscribe to, beside abortPattern.
func channels() []any {
	return []any{
		"+switch-master", "+sdown", "-sdown", "+odown", "-odown", "+slave", "+reboot", "+sentinel",
		"+failover-state-select-slave", "+selected-slave", "+failover-state-send-slaveof-noone",
		"+promoted-slave", "+failover-end",
	}
}

const (
	abortPrefix  = "-failover-abort-"
	abortPattern = abortPrefix + "*"
)

// parseEvent reads a message. It reports false for what has another form:
//
//	<kind> <name> <ip> <port> @ <master> <ip> <port>     about a replica or Sentinel
//	master <name> <ip> <port> …                          about a primary
//	<master> <old ip> <old port> <new ip> <new port>     +switch-master
func parseEvent(channel, payload string) (event, bool) {
	f := strings.Fields(payload)
	e := event{name: channel}
	switch {
	case channel == "+switch-master":
		if len(f) != 5 {
			return e, false
		}
		e.master, e.node, e.of = f[0], tcp(f[3], f[4]), tcp(f[1], f[2])
	case len(f) >= 8 && f[4] == "@":
		e.master, e.node, e.of = f[5], tcp(f[2], f[3]), tcp(f[6], f[7])
	case len(f) >= 4 && f[0] == "master":
		e.master, e.node, e.of = f[1], tcp(f[2], f[3]), tcp(f[2], f[3])
	default:
		return e, false
	}
	return e, true
}

// freezes says that a primary is about to be replaced.
func (e event) freezes() bool {
	switch e.name {
	case "+failover-state-select-slave", "+selected-slave", "+failover-state-send-slaveof-noone":
		return true
	}
	return false
}

// aborts says that it will not be after all.
func (e event) aborts() bool { return strings.HasPrefix(e.name, abortPrefix) }

// elects names the replica that is to be the primary, or is by now. +switch-master
// does not count: an old one may come late, and only the claims say how old.
func (e event) elects() bool {
	switch e.name {
	case "+selected-slave", "+failover-state-send-slaveof-noone", "+promoted-slave":
		return true
	}
	return false
}
