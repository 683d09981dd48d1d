package proxy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
)

// conversation is what several clients say and hear, a line at a time:
//
//	a SET {one}k v => +OK      client a says this and hears that, as reply shows it
//	a BLPOP {one}k 0           a says this, and nothing is heard yet
//	a => ["{one}k" "v"]        a hears this
//	one| PING => +PONG         said to the server of shard one itself
//	blocked 1                  waits until so many clients wait
//
// {one} to {four} are hash tags of the shards of that name. What is heard may end in
// "…": it begins so. A client is there from its first line on.
type conversation struct {
	name  string
	lines string
}

// converse has each conversation over four shards with every driver. Nothing is left
// of one when the next begins but what was set at the servers.
func converse(t *testing.T, conversations []conversation, lines ...string) {
	each(t, func(t *testing.T, d engine.Driver) {
		servers := shardtest.RedisN(t, len(names))
		s := serve(t, d, poolOf(servers, lines...))
		for _, c := range conversations {
			t.Run(c.name, func(t *testing.T) {
				s.talk(t).expect("FLUSHALL", "+OK")
				c.hold(t, s, servers)
			})
		}
	})
}

func (c conversation) hold(t *testing.T, s *serving, servers []*shardtest.Server) {
	_, tags := ownerOf(t, servers)
	var tag []string
	for i, name := range names[:len(servers)] {
		tag = append(tag, "{"+name+"}", "{"+tags[i]+"}")
	}
	toTags := strings.NewReplacer(tag...)
	clients := map[string]*talker{}
	for line := range strings.Lines(c.lines) {
		line = toTags.Replace(strings.TrimSpace(line))
		who, rest, _ := strings.Cut(line, " ")
		switch who {
		case "":
			continue
		case "blocked":
			blocked(t, s, rest)
			continue
		}
		client := clients[who]
		if client == nil {
			client = s.talk(t)
			for i, name := range names[:len(servers)] {
				if who == name+"|" {
					client = talkTo(t, "tcp", servers[i].Addr)
				}
			}
			clients[who] = client
		}
		said, heard, hears := strings.Cut(" "+rest, " => ")
		if said = strings.TrimSpace(said); said != "" {
			client.say(said)
		}
		if !hears {
			continue
		}
		got := client.hear()
		if start, cut := strings.CutSuffix(heard, "…"); got != heard && !(cut && strings.HasPrefix(got, start)) {
			t.Errorf("%s\nheard %s (tags %v)", line, got, tags)
			if strings.Contains(got, "timeout") {
				return // each line would wait as long
			}
		}
	}
}

// blocked waits until so many clients of the pool wait for something to happen.
func blocked(t *testing.T, s *serving, n string) {
	t.Helper()
	c := s.dial(t)
	defer c.Close()
	soon(t, n+" clients are blocked", func() bool {
		info, err := redis.String(c.Do("INFO", "clients"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(info, "\nblocked_clients:"+n+"\r")
	})
}

// ownerOf returns which shard of a pool made by poolOf owns a key, and a tag for each.
func ownerOf(t *testing.T, servers []*shardtest.Server) (owner func(key string) int, tags []string) {
	t.Helper()
	file, err := config.Parse("test.yml", []byte(poolOf(servers)))
	if err != nil {
		t.Fatal(err)
	}
	r, err := ring.New(file.Pools[0].Ring)
	if err != nil {
		t.Fatal(err)
	}
	tags = make([]string, len(servers))
	for i := 0; slices.Contains(tags, ""); i++ {
		tag := "t" + itoa(i)
		tags[r.OwnerString("{"+tag+"}")] = tag
	}
	return r.OwnerString, tags
}
