package examples_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestNutcrackerFile runs a nutcracker and shardproxy on one nutcracker.yml and
// the same servers, as nutcracker/README.md says: 100,000 keys of each pool that
// are written through one are found through the other, both ways.
func TestNutcrackerFile(t *testing.T) {
	old, ours := bothProxies(t)
	for pool, pair := range [][2]string{{old.Addr, ours[0]}, {old.AddrOf("fragments"), ours[1]}} {
		for way, name := range []string{"nutcracker to shardproxy", "shardproxy to nutcracker"} {
			t.Run(fmt.Sprintf("pool %d %s", pool, name), func(t *testing.T) {
				from, to := dial(t, pair[way]), dial(t, pair[1-way])
				for batch := range 100 {
					copied(t, from, to, fmt.Sprintf("nc:%d:%d", way, batch))
				}
			})
		}
	}
}

// bothProxies runs a nutcracker and shardproxy with nutcracker.yml.
func bothProxies(t *testing.T) (old *shardtest.Server, ours []string) {
	t.Helper()
	text := readFile(t, "nutcracker/nutcracker.yml")
	for i, s := range shardtest.RedisN(t, 4) {
		text = strings.ReplaceAll(text, fmt.Sprintf("127.0.0.1:%d:", 7001+i), s.Addr+":")
	}
	theirs := strings.NewReplacer("127.0.0.1:22121", "${ADDR}", "127.0.0.1:22122", "${ADDR.fragments}").Replace(text)
	text = strings.NewReplacer("127.0.0.1:22121", "127.0.0.1:0", "127.0.0.1:22122", "127.0.0.1:0").Replace(text)
	return shardtest.Nutcracker(t, theirs), listen(t, engine.DefaultDriver(), text)
}

// TestNutcrackerDiffers holds what nutcracker/README.md says changes for clients:
// requests that nutcracker closes the connection at, and the replies that it and
// shardproxy give to others, as far as they begin.
func TestNutcrackerDiffers(t *testing.T) {
	const closed = "the connection is closed"
	old, ours := bothProxies(t)
	for _, c := range []struct{ request, theirs, ours string }{
		{"NOSUCH apple", closed, "ERR unknown command"},
		{"MSET apple 1 date 2 elder 3 kiwi 4", "OK", "OK"},
		{"EXISTS apple date elder kiwi", "1", "4"},
		{"SADD banana x", "1", "0"}, // it is the same servers that both ask
		{"SADD lemon y", "1", "0"},
		{"SUNION banana lemon", "[x]", "CROSSSLOT"}, // half of it
		{"PFCOUNT grape melon", "0", "CROSSSLOT"},
		{"EVAL return(#KEYS) 2 apple date", "2", "CROSSSLOT"},
		{"EVAL return(1) 0", closed, "1"},
		{"RENAME apple date", closed, "CROSSSLOT"},
		{"RENAME apple cherry", closed, "OK"},
		{"MSETNX apple 1 date 2", closed, "CROSSSLOT"},
		{"BITOP AND apple date", closed, "CROSSSLOT"},
		{"SCAN 0", closed, "["},
		{"KEYS none*", closed, "[]"},
		{"DBSIZE", closed, "6"},
		{"INFO", closed, "# Server"},
		{"SCRIPT LOAD return(1)", closed, "930269f31393d0be681588b6ab08dccee7d6bb67"},
		{"MULTI", closed, "OK"},
		{"WATCH apple", closed, "OK"},
		{"SUBSCRIBE news", closed, "[subscribe news 1]"},
		{"PSUBSCRIBE n*", closed, "[psubscribe n* 1]"},
		{"PUBLISH other hello", closed, "0"},
		{"BLPOP none 0.01", closed, "<nil>"},
		{"XREAD BLOCK 1 STREAMS none 0", closed, "<nil>"},
		{"WAIT 0 1", closed, "0"},
		{"SELECT 1", closed, "OK"},
		{"HELLO 2", closed, "["},
		{"CLIENT ID", closed, ""},
		{"COMMAND COUNT", closed, ""},
		{"ACL WHOAMI", closed, "default"},
		{"FLUSHALL", closed, "OK"},
	} {
		for _, proxy := range []struct{ name, addr, want string }{{"nutcracker", old.Addr, c.theirs}, {"shardproxy", ours[0], c.ours}} {
			words := strings.Split(c.request, " ")
			reply, err := dial(t, proxy.addr).Do(words[0], redis.Args{}.AddFlat(words[1:])...)
			got := closed
			switch err.(type) {
			case nil, redis.Error:
				got = said(reply, err)
			default:
				if err != io.EOF {
					got = err.Error()
				}
			}
			if !strings.HasPrefix(got, proxy.want) || got == closed && proxy.want != closed {
				t.Errorf("%s: %s said %q, want %q", c.request, proxy.name, got, proxy.want)
			}
		}
	}
}

// said is a reply as text.
func said(reply any, err error) string {
	switch reply := reply.(type) {
	case []byte:
		return string(reply)
	case []any:
		var all []string
		for _, r := range reply {
			all = append(all, said(r, nil))
		}
		return "[" + strings.Join(all, " ") + "]"
	}
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(reply)
}

// copied writes 1,000 keys through one proxy and reads them through another.
func copied(t *testing.T, from, to redis.Conn, prefix string) {
	t.Helper()
	var keys redis.Args
	for i := range 1000 {
		key := fmt.Sprintf("%s:%d:{%d}", prefix, i, i%50)
		keys = keys.Add(key)
		from.Send("SET", key, key)
	}
	from.Flush()
	for range keys {
		if _, err := from.Receive(); err != nil {
			t.Fatal(err)
		}
	}
	values, err := redis.Strings(to.Do("MGET", keys...))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range values {
		if v != keys[i] {
			t.Fatalf("%s is %q on the other side", keys[i], v)
		}
	}
}

func dial(t *testing.T, addr string) redis.Conn {
	t.Helper()
	c, err := redis.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
