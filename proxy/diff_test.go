package proxy_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/ring/randtest"
	"github.com/shardring/shardring/shard/resp"
	"github.com/shardring/shardring/shard/shardtest"
)

var diffRun = randtest.NewRun("diff", "TestDifference", 20_000, 5_000)

// TestDifference has clients say random things twice: to one redis-server, and to the
// proxy over four. The replies have to be the same bytes, but for the order of what
// has no order, what is random, and the name of a shard in an error.
//
// To repeat a run: go test ./proxy -run TestDifference -diff.seed=… -diff.steps=…
// The long form: make diff.
func TestDifference(t *testing.T) {
	seed, steps := diffRun.Begin(t)
	each(t, func(t *testing.T, d engine.Driver) { difference(t, d, seed, steps/len(drivers())) })
}

// rules are those of a user that may only read some of its keys, and only write others.
// It has no scripts that read: what they do in fact is not held to rules.
const rules = "~*st* %R~*set* %W~*h* ~*num* &m1* +@all -@geo -hset +hset -lpop -client|setname -zrange -evalsha_ro -fcall_ro"

// difference runs clients of both protocols, that share a database or have some to
// themselves, of three pools over the same servers: one of any clients, one that reads
// over shards, one of a user.
func difference(t *testing.T, d engine.Driver, seed uint64, steps int) {
	many := shardtest.Args("--databases", "64")
	servers := shardtest.RedisN(t, len(names), many)
	alone := shardtest.Redis(t, many)
	pools := []*serving{
		serve(t, d, poolOf(servers)),
		serve(t, d, poolOf(servers, "cross_shard_reads: true")),
		serve(t, d, poolOf(servers, `users: [{name: app, password: pw, rules: "`+rules+`"}]`)),
	}
	talkTo(t, "tcp", alone.Addr).expect("ACL SETUSER app on >pw "+rules, "+OK")
	owner, tags := ownerOf(t, servers)
	for _, c := range []*talker{pools[0].talk(t), talkTo(t, "tcp", alone.Addr)} {
		for _, s := range scripts {
			c.Write(resp.AppendRequest(nil, "SCRIPT", "LOAD", s))
			if got, want := c.hear(), strconv.Quote(digest(s)); got != want {
				t.Fatalf("SCRIPT LOAD: %s, want %s", got, want)
			}
		}
		c.Write(resp.AppendRequest(nil, "FUNCTION", "LOAD", library))
		c.hears(`"difflib"`)
	}

	const clients = 12
	var twins []*twin
	for i := range clients {
		a := &author{
			rng: rand.New(rand.NewPCG(seed, uint64(i))), prefix: "c" + itoa(i) + ":", tags: tags, owner: owner,
			proto: 2 + i%2, reads: i/4 == 1,
		}
		if i/4 == 2 {
			a.user = "app"
		}
		if i&2 != 0 {
			a.dbs = []int{2*i + 1, 2*i + 2}
		}
		twins = append(twins, &twin{
			t: t, name: fmt.Sprintf("client %d, RESP%d", i, a.proto), author: a,
			proxy: pools[i/4].talk(t), alone: talkTo(t, "tcp", alone.Addr),
		})
	}
	var wg sync.WaitGroup
	for _, w := range twins {
		wg.Go(func() { w.run(steps / clients) })
	}
	wg.Wait()
	var asked, errors, refusals int
	for _, w := range twins {
		asked += w.asked
		errors += w.errors
		refusals += w.refusals
	}
	t.Logf("%d requests; %d errors, %d refusals of keys on several shards", asked, errors, refusals)
	if !t.Failed() && (errors > asked/2 || refusals == 0) {
		t.Errorf("too little of %d requests does anything: %d errors, %d refusals", asked, errors, refusals)
	}
}
