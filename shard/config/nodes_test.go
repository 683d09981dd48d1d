package config

import (
	"reflect"
	"testing"
	"time"
)

// TestNodes reads where servers are and what may be read from them.
func TestNodes(t *testing.T) {
	f := parse(t, `
shardproxy: {admin: 127.0.0.1:9000, watch: true, zone: eu-1}
a:
  redis: true
  sentinels: [10.0.0.1:26379, "[::1]:26379"]
  sentinel_auth: secret
  read_from: prefer_replica
  balance: same_zone
  max_replica_lag: 3s
  read_your_writes: 500ms
  shards:
    - {name: one, zone: eu-1}
    - {name: two, master: m2, primary: h:1, replicas: [h:2, {address: h:3, zone: eu-2, weight: 3}]}
`)
	if want := (Proxy{Admin: Listen{Network: "tcp", Address: "127.0.0.1:9000"}, Watch: true, Zone: "eu-1"}); f.Proxy != want {
		t.Errorf("proxy %+v, want %+v", f.Proxy, want)
	}
	p := f.Pools[0]
	if want := []Address{{"tcp", "10.0.0.1:26379"}, {"tcp", "[::1]:26379"}}; !reflect.DeepEqual(p.Sentinels, want) || p.SentinelAuth.Value() != "secret" {
		t.Errorf("sentinels %v, password %q, want %v", p.Sentinels, p.SentinelAuth.Value(), want)
	}
	if p.ReadFrom != PreferReplica || p.Balance != SameZone || p.MaxReplicaLag != 3*time.Second || p.ReadYourWrites != 500*time.Millisecond {
		t.Errorf("reads from %s by %s, lag %v, own writes %v", p.ReadFrom, p.Balance, p.MaxReplicaLag, p.ReadYourWrites)
	}
	one, two := p.Shards[0], p.Shards[1]
	if one.MasterName() != "one" || one.Primary != (Address{}) || one.Zone != "eu-1" || two.MasterName() != "m2" {
		t.Errorf("shards %+v, %+v", one, two)
	}
	if want := []Replica{replica("h:2"), {Address{"tcp", "h:3"}, "eu-2", 3}}; !reflect.DeepEqual(two.Replicas, want) {
		t.Errorf("replicas %+v, want %+v", two.Replicas, want)
	}
}
