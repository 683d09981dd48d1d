package crossread

import (
	"fmt"
	"testing"

	"github.com/shardring/shardring/shard/resp"
)

// BenchmarkAppendReply combines the replies of two shards, half of whose members
// are the same; it reports the time for each member received. Copying the
// replies is the baseline.
func BenchmarkAppendReply(b *testing.B) {
	for _, n := range []int{10, 1_000, 100_000} {
		for _, line := range []string{"copy", "sunion a0 b1", "sinter a0 b1", "sdiff a0 b1", "sintercard 2 a0 b1", "zunion 2 a0 b1 withscores", "zinter 2 a0 b1 withscores"} {
			b.Run(fmt.Sprintf("%s/%d", line, n), func(b *testing.B) {
				replies := [][]byte{halfShared(n, 0, line[0] == 'z'), halfShared(n, n/2, line[0] == 'z')}
				b.ReportAllocs()
				var out []byte
				for b.Loop() {
					if line == "copy" {
						out = append(append(out[:0], replies[0]...), replies[1]...)
						continue
					}
					plan, err := planOf(b, line)
					if err != nil {
						b.Fatal(err)
					}
					if out, err = plan.AppendReply(out[:0], 2, replies); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(2*n), "ns/member")
			})
		}
	}
}

// halfShared is the reply of a set or sorted set of n members.
func halfShared(n, from int, scores bool) []byte {
	if !scores {
		dst := resp.AppendArray(nil, n)
		for i := range n {
			dst = resp.AppendBulk(dst, fmt.Sprintf("member:%08d", from+i))
		}
		return dst
	}
	dst := resp.AppendArray(nil, 2*n)
	for i := range n {
		dst = resp.AppendBulk(dst, fmt.Sprintf("member:%08d", from+i))
		dst = resp.AppendBulk(dst, fmt.Sprintf("%.17g", float64(i)/7))
	}
	return dst
}
