package shard

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/ring/randtest"
	"github.com/shardring/shardring/shard/shardtest"
)

// TestSubscriberAsOneConnection subscribes and unsubscribes at random, over a
// connection to one server and over a Conn to four, and publishes in between.
func TestSubscriberAsOneConnection(t *testing.T) {
	r := randtest.New(t)
	c, _ := start(t, 4, nil)
	server := shardtest.Redis(t)
	limit := redis.DialReadTimeout(5 * time.Second)
	one, err := redis.Dial("tcp", server.Addr, limit)
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	publisher, err := redis.Dial("tcp", server.Addr, limit)
	if err != nil {
		t.Fatal(err)
	}
	defer publisher.Close()
	many := c.Get()
	defer many.Close()

	say := func(cmd string, args ...any) {
		for _, conn := range []redis.Conn{one, many} {
			conn.Send(cmd, args...)
			if err := conn.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	receive := func(conn redis.Conn) string {
		reply, err := redis.ReceiveWithTimeout(conn, 5*time.Second)
		if _, replied := err.(redis.Error); err != nil && !replied {
			t.Fatal(err)
		}
		return text(reply) + text(err)
	}
	names := func(prefix string) (some []any) {
		for range r.IntN(3) + 1 {
			some = append(some, fmt.Sprint(prefix, r.IntN(6)))
		}
		return some
	}
	for i := range 600 {
		var said string
		switch r.IntN(9) {
		case 0, 1:
			args := names("c")
			said = fmt.Sprint("SUBSCRIBE ", args)
			say("SUBSCRIBE", args...)
		case 2:
			args := names("c")[:1]
			args[0] = strings.Replace(args[0].(string), "c", "*", 1)
			said = fmt.Sprint("PSUBSCRIBE ", args)
			say("PSUBSCRIBE", args...)
		case 3:
			args := names("s")
			said = fmt.Sprint("SSUBSCRIBE ", args)
			say("SSUBSCRIBE", args...)
		case 4:
			cmd := []string{"UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"}[r.IntN(3)]
			said = cmd
			say(cmd)
		case 5:
			args := names("c")
			said = fmt.Sprint("UNSUBSCRIBE ", args)
			say("UNSUBSCRIBE", args...)
		case 6:
			said = "GET"
			say("GET", "k")
		default:
			cmd, ch := "PUBLISH", names("c")[0]
			if r.IntN(3) == 0 {
				cmd, ch = "SPUBLISH", names("s")[0]
			}
			said = fmt.Sprint(cmd, ch)
			want, err := publisher.Do(cmd, ch, i)
			got, err2 := c.Do(bg, cmd, ch, i)
			if err != nil || err2 != nil {
				t.Fatal(err, err2)
			}
			if cmd == "SPUBLISH" && got != want { // PUBLISH counts only what the channel's shard has
				t.Fatalf("%d %s: %v, want %v", i, said, got, want)
			}
		}
		mark := fmt.Sprint("mark", i)
		one.Send("PING", mark)
		one.Flush()
		var want, got []string
		for {
			s := receive(one)
			if strings.Contains(s, mark) {
				break
			}
			want = append(want, s)
		}
		for range want {
			got = append(got, receive(many))
		}
		if strings.Contains(said, "UNSUBSCRIBE") { // from all, in no order; the counts are another's then
			for _, l := range [][]string{want, got} {
				slices.Sort(l)
				for j, s := range l {
					l[j] = s[:strings.LastIndex(s, " ")]
				}
				slices.Sort(l)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%d %s:\n%q, want\n%q", i, said, got, want)
		}
		many.Send("PING", mark)
		many.Flush()
		if s := receive(many); !strings.Contains(s, mark) {
			t.Fatalf("%d %s: one too many: %s", i, said, s)
		}
	}
	many.Close()
	givenBack(t, c)
}
