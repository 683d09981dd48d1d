package command

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/ring/randtest"
)

// keyRequests are the forms in which the search for keys has a choice to make.
var keyRequests = []string{
	"get k",
	"set k v GET",
	"bitfield k get u8 0",
	"mset a 1 b 2 c 3",
	"msetnx a 1 b 2",
	"mget a b c",
	"bitop and dest a b",
	"lcs a b len",
	"lmove a b left right",
	"blpop a b 0",
	"bitcount k",
	"object encoding k",
	"memory usage k samples 5",
	"xgroup create k g $ mkstream",
	"xinfo stream k full",
	"pfcount a b c",
	"pfdebug getreg k",
	"sinterstore d a b",
	"rename a b",
	"copy a b replace",
	"smove a b m",
	"watch a b",
	"restore-asking k 0 x",
	"spublish ch m",

	"eval s 0", "eval s 0 a b", "eval s 1 a b", "eval s 2 a b", "eval_ro s 1 a", "evalsha x 2 a b c", "fcall f 1 a b", "fcall_ro f 0",
	"zunion 2 a b", "zunion 2 a b weights 1 2", "zinter 1 a withscores", "zdiff 1 a", "zintercard 2 a b limit 1",
	"zunionstore d 2 a b weights 1 2", "zinterstore d 1 a", "zdiffstore d 1 a",
	"sintercard 2 a b limit 1", "lmpop 2 a b left", "zmpop 1 a min count 2", "blmpop 0 2 a b left", "bzmpop 0 1 a min",

	"sort k", "sort k store d", "sort k limit 0 1 STORE d", "sort k store d store e", "sort k by store get store store d",
	"sort k by store", "sort k store", "sort k get store desc store d", "sort k limit store 5 store d", "sort k by w_* get # alpha",
	"sort_ro k", "sort_ro k by x get store",

	"georadius k 1 1 1 m", "georadius k 1 1 1 m store d", "georadius k 1 1 1 m STOREDIST d", "georadius k 1 1 1 m store d storedist e",
	"georadius k 1 1 1 m count 1 asc store d", "georadius k 1 1 1 m store", "georadius store 1 1 1 store x", "georadius_ro k 1 1 1 m",
	"georadius k 1 1 1 m store\x00x d", "georadiusbymember k m 1 m store d", "georadiusbymember k store 1 m store d", "georadiusbymember k store store m",
	"geosearchstore d k frommember m byradius 1 m",

	"xread streams a 0", "xread streams a b 0 0", "xread count 1 block 5 streams a b 0 0", "xread streams a b 0", "xread streams streams 0",
	"xread count streams streams a 0", "xread streams a b c 0 0 0", "xread count 1 a",
	"xreadgroup group g c streams a >", "xreadgroup group g streams streams a >", "xreadgroup group g c count 1 noack streams a b > >",
	"xreadgroup noack streams a b streams x", "xreadgroup noack streams a b c streams x", "xreadgroup group streams c streams a b > >", "xread count 1 streams", "xread block 0 streams x",

	"migrate h 1 k 0 1", "migrate h 1 k 0 1 copy replace auth keys", "migrate h 1 '' 0 1 keys a b", "migrate h 1 '' 0 1 keys",
	"migrate h 1 '' 0 1 auth keys keys a", "migrate h 1 '' 0 1 auth2 keys keys keys a b", "migrate h 1 k 0 1 keys a b", "migrate h 1 '' 0 1 copy",
}

func TestKeysAreTheServers(t *testing.T) {
	conn := live(t)
	for _, line := range keyRequests {
		request := words(strings.Fields(line)...)
		for i, arg := range request {
			if string(arg) == "''" {
				request[i] = nil
			}
		}
		send(t, conn, append(words("COMMAND", "GETKEYS"), request...))
		if err := conn.Flush(); err != nil {
			t.Fatal(err)
		}
		compareKeys(t, request, receive(t, conn))
	}
}

// TestKeysOnRandomRequests compares every command that may have keys, on
// arguments that are keywords, counts and keys in any order.
func TestKeysOnRandomRequests(t *testing.T) {
	const each, batch = 300, 100
	conn := live(t)
	rng := randtest.New(t)
	commands := 0
	for cmd := range Builtin().All() {
		if !cmd.mayHaveKeys() {
			continue
		}
		commands++
		for range each / batch {
			requests := make([]Slices, batch)
			for i := range requests {
				requests[i] = randomRequest(rng, cmd)
				send(t, conn, append(words("COMMAND", "GETKEYS"), requests[i]...))
			}
			if err := conn.Flush(); err != nil {
				t.Fatal(err)
			}
			for _, request := range requests {
				compareKeys(t, request, receive(t, conn))
			}
		}
	}
	if commands < 150 {
		t.Errorf("%d commands have keys: too few", commands)
	}
}

var vocabulary = []string{
	"a", "b", "k1", "k2", "", "0", "1", "2", "3", "7", "-1", "01", "x", ">", "$",
	"store", "STOREDIST", "streams", "STREAMS", "block", "count", "group", "noack", "keys", "copy", "auth", "auth2",
	"limit", "get", "by", "weights", "left", "streams\x00", "store\x00z",
}

func randomRequest(rng *rand.Rand, cmd *Command) Slices {
	request := words(strings.Split(cmd.Name, "|")...)
	n := max(cmd.Arity, -cmd.Arity)
	if cmd.Arity < 0 {
		n += rng.IntN(8)
	}
	for len(request) < n {
		request = append(request, []byte(vocabulary[rng.IntN(len(vocabulary))]))
	}
	return request
}

// compareKeys compares Keys with the reply to COMMAND GETKEYS.
func compareKeys(t *testing.T, request Slices, reply any) {
	t.Helper()
	cmd := Builtin().Named(string(request[0]))
	if cmd != nil && cmd.subcommands != nil {
		cmd = cmd.Subcommand(request[1])
	}
	positions, err := cmd.Keys(nil, request)
	got := []string{}
	for _, i := range positions {
		got = append(got, string(request[i]))
	}
	if refused, ok := reply.(redis.Error); ok {
		if len(got) > 0 {
			t.Errorf("%q: keys %q, the server finds none: %v", request, got, refused)
		}
		return
	}
	want, convErr := redis.Strings(reply, nil)
	if convErr != nil {
		t.Fatalf("%q: %v", request, convErr)
	}
	if err != nil && len(want) > 0 {
		// COMMAND GETKEYS reads a count such as "01" with atoi, which the command
		// itself refuses.
		if cmd.numkeys == nil || err != cmd.numkeys.notNumber {
			t.Errorf("%q: %v, the server finds %q", request, err, want)
		}
		return
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q: keys %q, the server finds %q", request, got, want)
	}
}

// TestNumkeysErrorsAreTheServers executes requests whose number of keys is wrong.
func TestNumkeysErrorsAreTheServers(t *testing.T) {
	conn := live(t)
	library := "#!lua name=lib\nredis.register_function{function_name='f', callback=function() return 1 end, flags={'no-writes'}}"
	do(t, conn, words("FUNCTION", "LOAD", library))
	sha, err := redis.String(do(t, conn, words("SCRIPT", "LOAD", "return 1")), nil)
	if err != nil {
		t.Fatal(err)
	}
	forms := []string{
		"eval s %s a", "eval_ro s %s a", "evalsha " + sha + " %s a", "evalsha_ro " + sha + " %s a", "fcall f %s a", "fcall_ro f %s a",
		"zunion %s a", "zinter %s a", "zdiff %s a", "zintercard %s a", "zunionstore d %s a", "zinterstore d %s a", "zdiffstore d %s a",
		"sintercard %s a", "lmpop %s a left", "zmpop %s a min", "blmpop 1 %s a left", "bzmpop 1 %s a min",
	}
	counts := []string{
		"-1", "0", "3", "9", "x", "1x", "01", "+1", "-0", "1.0", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
		"-9223372036854775809", "18446744073709551616", "4294967297", "99999999999999999999999",
	}
	covered := map[string]bool{}
	for _, form := range forms {
		for _, count := range counts {
			request := words(strings.Fields(fmt.Sprintf(form, count))...)
			cmd, err := Builtin().Resolve(request)
			if err != nil {
				t.Fatalf("%q: %v", request, err)
			}
			covered[cmd.Name] = true
			_, err = cmd.Keys(nil, request)
			if err == nil {
				if count != "0" || cmd.numkeys.least > 0 {
					t.Errorf("%q: no error", request)
				}
				continue
			}
			compareErrors(t, conn, request, err)
		}
	}
	for cmd := range Builtin().All() {
		if cmd.numkeys != nil && !covered[cmd.Name] {
			t.Errorf("%s counts keys and is not tested", cmd.Name)
		}
	}
}
