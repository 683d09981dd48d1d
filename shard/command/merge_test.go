package command_test

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/shardring/shardring/shard/command"
)

func TestMergeInfo(t *testing.T) {
	got := command.MergeInfo([]command.ShardInfo{
		{Name: "a", Addr: "h:1", Text: "# Server\r\nredis_version:7.0.15\r\nrole:master\r\n\r\n# Memory\r\nused_memory:100\r\nused_cpu_sys:0.5\r\n\r\n# Keyspace\r\ndb0:keys=3,expires=1,avg_ttl=100\r\n"},
		{Name: "b", Addr: "h:2", Text: "# Server\r\nredis_version:7.2.0\r\nrole:master\r\n\r\n# Memory\r\nused_memory:20\r\nused_cpu_sys:0.25\r\n\r\n# Keyspace\r\ndb0:keys=4,expires=3,avg_ttl=20\r\ndb1:keys=1,expires=0,avg_ttl=0\r\n"},
	}, func(field, merged string) string {
		if field == "used_memory" {
			return merged + "1"
		}
		return merged
	})
	want := strings.ReplaceAll(`# Server
redis_version:7.0.15,7.2.0
role:master

# Memory
used_memory:1201
used_cpu_sys:0.750000

# Keyspace
db0:keys=7,expires=4,avg_ttl=40
db1:keys=1,expires=0,avg_ttl=0

# Shards
shards:2
shard0:name=a,addr=h:1,redis_version=7.0.15,role=master,used_memory=100
shard1:name=b,addr=h:2,redis_version=7.2.0,role=master,used_memory=20
`, "\n", "\r\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestMergeInfoOfWhatIsNone: a line without a colon is no field, whatever its name.
func TestMergeInfoOfWhatIsNone(t *testing.T) {
	got := command.MergeInfo([]command.ShardInfo{
		{Name: "a", Addr: "h:1", Text: "number_of_functions\r\n# A:b\r\nused_memory\r\nrole:master\r\n:\r\n"},
		{Name: "b", Addr: "h:2", Text: ""},
	}, nil)
	const want = "# A\r\nrole:master\r\n\r\n# Shards\r\nshards:2\r\nshard0:name=a,addr=h:1,role=master\r\nshard1:name=b,addr=h:2\r\n"
	if got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestCursor: a client's cursor leads back to the shard and its own cursor, or
// the scan is refused.
func TestCursor(t *testing.T) {
	for _, n := range []int{1, 2, 7, 400} {
		for shard := range n {
			for _, own := range []uint64{0, 1, 5, 1 << 40, math.MaxUint64 / uint64(n), math.MaxUint64} {
				next, err := command.NextCursor(own, shard, n)
				if own > (math.MaxUint64-uint64(shard))/uint64(n) {
					if err == nil {
						t.Errorf("shard %d of %d: own cursor %d was not refused", shard, n, own)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				gotShard, gotOwn, err := command.SplitCursor(strconv.AppendUint(nil, next, 10), n)
				wantShard := shard
				if own == 0 {
					wantShard = (shard + 1) % n
				}
				if err != nil || gotShard != wantShard || gotOwn != own {
					t.Errorf("shard %d of %d, own %d: cursor %d leads to shard %d, own %d, %v", shard, n, own, next, gotShard, gotOwn, err)
				}
			}
		}
	}
	for _, bad := range []string{"", "-1", "x", "18446744073709551616"} {
		if _, _, err := command.SplitCursor([]byte(bad), 4); err == nil || err.Error() != "ERR invalid cursor" {
			t.Errorf("cursor %q: %v", bad, err)
		}
	}
}
