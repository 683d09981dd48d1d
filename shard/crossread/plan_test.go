package crossread

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/shardring/shardring/shard/command"
)

// planOf plans a request whose keys' last digit is their owner.
func planOf(tb testing.TB, line string) (*Plan, error) {
	tb.Helper()
	request := slicesOf(strings.Fields(line)...)
	cmd, err := command.Builtin().Resolve(request)
	if err != nil {
		tb.Fatal(err)
	}
	keys, err := cmd.Keys(nil, request)
	if err != nil {
		tb.Fatal(err)
	}
	owners := make([]int, len(keys))
	for k, i := range keys {
		key := request[i]
		owners[k] = int(key[len(key)-1] - '0')
	}
	return New(cmd, request, keys, owners)
}

// TestRequests: what each shard is asked.
func TestRequests(t *testing.T) {
	for _, row := range []struct {
		line string
		want []string
	}{
		{"sunion a0 b1 c0", []string{"0: SUNION a0 c0", "1: SUNION b1"}},
		{"sinter a0 b1 c0", []string{"0: SINTER a0 c0", "1: SINTER b1"}},
		{"sdiff a0 b1 c0 d1 e2", []string{"0: SDIFF a0 c0", "1: SUNION b1 d1", "2: SUNION e2"}},
		{"sintercard 2 a0 b1 limit 3", []string{"0: SINTER a0", "1: SINTER b1"}},
		{"zintercard 3 a0 b1 c0 limit 3", []string{"0: ZINTER 2 a0 c0", "1: ZINTER 1 b1"}},
		{"zdiff 3 a0 b1 c0", []string{"0: ZDIFF 2 a0 c0", "1: ZUNION 1 b1"}},
		{"zdiff 3 a0 b1 c1 withscores", []string{"0: ZDIFF 1 a0 WITHSCORES", "1: ZUNION 2 b1 c1"}},
		{"zunion 3 a0 b1 c0 weights 1 2 3", []string{"0: ZINTER 1 a0 WITHSCORES", "1: ZINTER 1 b1 WITHSCORES", "0: ZINTER 1 c0 WITHSCORES"}},
		{"zinter 3 a0 b1 a0", []string{"0: ZINTER 1 a0 WITHSCORES", "1: ZINTER 1 b1 WITHSCORES"}},
		{"pfcount a0 b1 a0", []string{"0: GET a0", "1: GET b1"}},
		// The types of the keys come before the options.
		{"zunion 3 a0 b1 c0 weights 1", []string{"0: ZUNION 2 a0 c0 TYPES", "1: ZUNION 1 b1 TYPES"}},
		{"zintercard 2 a0 b1 limit x", []string{"0: ZUNION 1 a0 TYPES", "1: ZUNION 1 b1 TYPES"}},
	} {
		plan, err := planOf(t, row.line)
		if err != nil {
			t.Errorf("%s: %v", row.line, err)
			continue
		}
		var have []string
		for _, r := range plan.Requests {
			have = append(have, fmt.Sprintf("%d: %s %s", r.Owner, r.Name, joined(r.Args)))
		}
		if !slices.Equal(have, row.want) {
			t.Errorf("%s: %q, want %q", row.line, have, row.want)
		}
	}
}

func joined(args [][]byte) string {
	all := make([]string, len(args))
	for i, arg := range args {
		all[i] = string(arg)
	}
	return strings.Join(all, " ")
}

func TestRequestsAreRESP(t *testing.T) {
	plan, err := planOf(t, "zdiff 2 a0 b1")
	if err != nil {
		t.Fatal(err)
	}
	if have, want := string(plan.Requests[1].AppendTo([]byte("x"))), "x*3\r\n$6\r\nZUNION\r\n$1\r\n1\r\n$2\r\nb1\r\n"; have != want {
		t.Errorf("%q, want %q", have, want)
	}
}

// TestRefusedAtOnce: what needs no shard to be refused.
func TestRefusedAtOnce(t *testing.T) {
	for line, want := range map[string]string{
		"sintercard 2 a0 b1 limit -1": "ERR LIMIT can't be negative",
		"sintercard 2 a0 b1 limit":    "ERR syntax error",
		"mget a0 b1":                  "ERR mget cannot be read over several shards",
	} {
		plan, err := planOf(t, line)
		if e, ok := err.(*Error); !ok || plan != nil || e.Text != want || e.Request != -1 {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
}

// TestSupports: of the commands in the table, those and no others.
func TestSupports(t *testing.T) {
	var have []string
	for cmd := range command.Builtin().All() {
		if Supports(cmd.Name) {
			have = append(have, cmd.Name)
			if cmd.Route != command.Single || cmd.Flags&command.ReadOnly == 0 {
				t.Errorf("%s is not read from one shard", cmd.Name)
			}
		}
	}
	if len(have) != len(operations) {
		t.Errorf("the command table has of ours only %v", have)
	}
}
