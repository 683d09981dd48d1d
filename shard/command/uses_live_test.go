package command

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/ring/randtest"
)

// useRequests are requests whose keys are used as their arguments say, or whose
// number of keys only atoi takes for one.
var useRequests = []string{
	"set k v", "set k v GeT", "set k get", "set k v ex 1 get", "set k v nx getx",
	"bitfield k", "bitfield k get u8 0", "bitfield k get u8", "bitfield k overflow wrap get u8 0", "bitfield k get u8 0 overflow",
	"bitfield k set u8 0 1", "bitfield k get u8 0 incrby u8 0 1", "bitfield k overflow", "bitfield k nosuch", "bitfield_ro k get u8 0",
	"eval s 01 a b", "eval s +2 a b", "eval s 1x a b", "eval s x a", "eval s -1 a", "eval s 3 a b", "fcall f 01 a",
	"zunionstore d 01 a b", "zunionstore d 0 a", "zunionstore d 5 a", "sintercard 01 a", "blmpop 0 02 a b left",
	"eval s 99999999999999999999 a b", "eval s -99999999999999999999 a b", "eval s 18446744073709551617 a",
}

func TestKeyUsesAreTheServers(t *testing.T) {
	const each = 100
	conn := live(t)
	rng := randtest.New(t)
	var requests []Slices
	for _, line := range append(slices.Clone(keyRequests), useRequests...) {
		requests = append(requests, words(strings.Fields(line)...))
	}
	for cmd := range servers(t).All() {
		if !cmd.mayHaveKeys() {
			continue
		}
		for range each {
			requests = append(requests, randomRequest(rng, cmd))
		}
	}
	for batch := range slices.Chunk(requests, 200) {
		for _, request := range batch {
			send(t, conn, append(words("COMMAND", "GETKEYSANDFLAGS"), request...))
		}
		if err := conn.Flush(); err != nil {
			t.Fatal(err)
		}
		for _, request := range batch {
			compareUses(t, request, receive(t, conn))
		}
	}
}

// compareUses compares KeyUses with the reply to COMMAND GETKEYSANDFLAGS: pairs of
// a key and its flags.
func compareUses(t *testing.T, request Slices, reply any) {
	t.Helper()
	cmd := Builtin().Named(string(request[0]))
	if cmd != nil && cmd.subcommands != nil {
		cmd = cmd.Subcommand(request[1])
	}
	var got, want []string
	for _, use := range cmd.KeyUses(nil, request) {
		got = append(got, string(request[use.Pos])+": "+use.Flags.String())
	}
	if _, refused := reply.(redis.Error); !refused {
		for _, pair := range reply.([]any) {
			key, flags := pair.([]any)[0].([]byte), pair.([]any)[1].([]any)
			var names []string
			for _, name := range keyFlagNames {
				if slices.Contains(flags, any(name)) {
					names = append(names, name)
				}
			}
			want = append(want, string(key)+": "+strings.Join(names, " "))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q: %q, the server has %q", request, got, want)
	}
}

// TestKeyUsesFindWhatKeysFinds: a request whose keys have a shard has the same
// keys in the eyes of the ACL rules.
func TestKeyUsesFindWhatKeysFinds(t *testing.T) {
	for cmd := range Builtin().All() {
		rng := rand.New(rand.NewPCG(1, uint64(cmd.ID())))
		for range 50 {
			request := randomRequest(rng, cmd)
			keys, err := cmd.Keys(nil, request)
			if err != nil {
				continue
			}
			var uses []int
			for _, use := range cmd.KeyUses(nil, request) {
				uses = append(uses, use.Pos)
			}
			if !slices.Equal(keys, uses) {
				t.Errorf("%q: keys at %v, uses at %v", request, keys, uses)
			}
		}
	}
}

func TestKeyUsesDoNotAllocate(t *testing.T) {
	dst := make([]KeyUse, 0, 8)
	for _, line := range []string{"get k", "set k v", "mset a 1 b 2", "eval s 2 a b", "zunionstore d 2 a b", "xread streams a b 0 0"} {
		request := words(strings.Fields(line)...)
		var args Args = &request
		cmd, err := Builtin().Resolve(args)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { cmd.KeyUses(dst, args) }); n > 0 {
			t.Errorf("%s: %v allocations", line, n)
		}
	}
}

// TestIDs: IDs count the commands, and a request's variant has its command's.
func TestIDs(t *testing.T) {
	table, next := Builtin(), 0
	for cmd := range table.All() {
		if cmd.ID() != next {
			t.Fatalf("%s: ID %d, want %d", cmd.Name, cmd.ID(), next)
		}
		next++
	}
	variant, err := table.Resolve(words("SORT", "k", "BY", "w_*"))
	if err != nil || variant.Route != Refused {
		t.Fatalf("SORT by a pattern: %v, %v: want the refused variant", variant, err)
	}
	if sort := table.Named("sort"); variant == sort || variant.ID() != sort.ID() {
		t.Errorf("a variant has ID %d, its command %d", variant.ID(), sort.ID())
	}
}
