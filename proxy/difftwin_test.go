package proxy_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/resp"
)

// twin is one client twice: of the proxy, and of a server alone.
type twin struct {
	t            *testing.T
	name         string
	author       *author
	proxy, alone *talker

	past     [][]string // what it said
	asked    int
	errors   int // replies that are errors, and the proxy's refusals
	refusals int
}

// run says so many requests, in pipelines of random lengths, until something differs.
func (w *twin) run(steps int) {
	if !w.exchange(w.author.login()) {
		return
	}
	for w.asked < steps {
		var qs []question
		for range 1 + w.author.rng.IntN(1<<w.author.rng.IntN(7)) {
			qs = append(qs, w.author.write()...)
		}
		if !w.exchange(qs) || w.author.rng.IntN(8) == 0 && !w.scan() {
			return
		}
	}
	w.sweep()
}

// exchange asks questions in one pipeline and compares the replies.
func (w *twin) exchange(qs []question) bool {
	var toProxy, toAlone []byte
	for _, q := range qs {
		toProxy = w.author.encode(toProxy, q.args)
		if q.alone == nil {
			q.alone = q.args
		}
		toAlone = resp.AppendRequest(toAlone, q.alone...)
	}
	cut := w.author.rng.IntN(len(toProxy)) // a request in two pieces
	sent := make(chan error, 2)
	for _, c := range []*talker{w.proxy, w.alone} {
		c.SetDeadline(time.Now().Add(patience))
	}
	go func() { sent <- w.proxy.send(toProxy[:cut], toProxy[cut:]) }()
	go func() { sent <- w.alone.send(toAlone) }()
	for _, q := range qs {
		w.past = append(w.past, q.args)
		w.asked++
		if q.mute {
			continue
		}
		got, err := readReply(w.proxy.r)
		want, err2 := readReply(w.alone.r)
		if err != nil || err2 != nil {
			w.t.Errorf("%s: request %d: %.200q: the proxy: %v, the server: %v%s", w.name, w.asked, q.args, err, err2, w.history(q))
			return false
		}
		if want.typ == '-' {
			w.errors++
		}
		if q.refused != "" {
			w.refusals++
		}
		if !q.agree(got, want) {
			w.t.Errorf("%s: request %d: %.200q: the proxy says %.1000s, the server %.1000s%s", w.name, w.asked, q.args, got, want, w.history(q))
			return false
		}
	}
	for range 2 {
		if err := <-sent; err != nil {
			w.t.Errorf("%s: %v", w.name, err)
			return false
		}
	}
	return true
}

// encode appends a request, one of 32 as a line of text if it can be one.
func (a *author) encode(b []byte, args []string) []byte {
	line := strings.Join(args, " ")
	if a.rng.IntN(32) > 0 || !plainText.MatchString(line) || !slices.Equal(words(line), args) {
		return resp.AppendRequest(b, args...)
	}
	return append(b, line+"\r\n"...)
}

var plainText = regexp.MustCompile(`^[a-zA-Z0-9:{}_. -]+$`)

// send writes pieces, one after another.
func (c *talker) send(pieces ...[]byte) error {
	for _, b := range pieces {
		if _, err := c.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// agree reports whether the proxy's reply is what it has to be beside a server's.
func (q *question) agree(got, want reply) bool {
	switch {
	case q.refused != "":
		return strings.HasPrefix(got.String(), q.refused) || strings.HasPrefix(got.String(), "-NOPERM ")
	case q.odd && want.typ == '-' && strings.HasPrefix(got.String(), crossSlot):
		return true
	case strings.HasPrefix(want.String(), "-NOPERM ") && pairsError.MatchString(got.String()):
		return true
	case q.inside != nil && got.typ == '*' && len(got.of) == len(q.inside) && len(want.of) == len(q.inside):
		for i, o := range q.inside {
			if !o.equal(got.of[i], want.of[i]) {
				return false
			}
		}
		return true
	}
	return q.order.equal(got, want)
}

// pairsError is what the proxy says of a key without a value, before it looks at rules.
var pairsError = regexp.MustCompile(`^-ERR wrong number of arguments for 'mset(nx)?' command$`)

// shardName is what the proxy adds to an error that one of several shards said.
var shardName = regexp.MustCompile(`^(-[A-Z]+) shard '[a-z]+':`)

func (o order) equal(got, want reply) bool {
	if got.typ == '-' || want.typ == '-' {
		return shardName.ReplaceAllString(got.String(), "$1") == want.String()
	}
	switch o {
	case unordered:
		return got.typ == want.typ && slices.Equal(sorted(got.of, 1), sorted(want.of, 1))
	case pairs:
		return got.typ == want.typ && slices.Equal(sorted(got.of, 2), sorted(want.of, 2))
	case page:
		return len(got.of) == 2 && len(want.of) == 2 && got.of[0].String() == want.of[0].String() && unordered.equal(got.of[1], want.of[1])
	case about, aboutMs:
		g, _ := strconv.ParseInt(got.text, 10, 64)
		n, _ := strconv.ParseInt(want.text, 10, 64)
		slack := int64(2)
		if o == aboutMs {
			slack = 2000
		}
		return got.typ == want.typ && g-n <= slack && n-g <= slack && (g < 0) == (n < 0)
	case shape:
		return got.typ == want.typ && got.null == want.null && slices.EqualFunc(got.of, want.of, shape.equal)
	}
	return got.String() == want.String()
}

// sorted shows elements, n at a time, in an order of their own.
func sorted(of []reply, n int) []string {
	var all []string
	for group := range slices.Chunk(of, n) {
		all = append(all, fmt.Sprint(group))
	}
	slices.Sort(all)
	return all
}

// scan has both bring all keys of its database, or all of its own where others have
// keys too, and compares them.
func (w *twin) scan() bool {
	rest := "MATCH " + w.author.prefix + "*"
	if w.author.dbs != nil && w.author.rng.IntN(2) == 0 {
		rest = "TYPE " + []string{"string", "zset", "stream"}[w.author.rng.IntN(3)]
	}
	rest += " COUNT " + strconv.Itoa(1+w.author.rng.IntN(100))
	got, err := w.proxy.scan(rest)
	want, err2 := w.alone.scan(rest)
	if err != nil || err2 != nil || !slices.Equal(got, want) {
		w.t.Errorf("%s: SCAN to the end with %s: the proxy says %q, %v, the server %q, %v", w.name, rest, got, err, want, err2)
		return false
	}
	return true
}

// scan returns the keys that SCAN brings, each once.
func (c *talker) scan(rest string) ([]string, error) {
	var keys []string
	cursor := "0"
	for range 100_000 {
		c.SetDeadline(time.Now().Add(patience))
		if err := c.send(resp.AppendRequest(nil, append([]string{"SCAN", cursor}, words(rest)...)...)); err != nil {
			return nil, err
		}
		v, err := readReply(c.r)
		if err != nil {
			return nil, err
		}
		if len(v.of) != 2 {
			return nil, fmt.Errorf("SCAN %s: %s", cursor, v)
		}
		for _, k := range v.of[1].of {
			keys = append(keys, k.text)
		}
		if cursor = v.of[0].text; cursor == "0" {
			slices.Sort(keys)
			return slices.Compact(keys), nil
		}
	}
	return nil, fmt.Errorf("SCAN does not end: %s", cursor)
}

// sweep compares all that the client's keys hold at the end.
func (w *twin) sweep() {
	keys, err := w.alone.scan("MATCH " + w.author.prefix + "* COUNT 1000")
	if err != nil {
		w.t.Errorf("%s: %v", w.name, err)
	}
	for _, k := range keys {
		// All but one of these are a wrong type.
		w.exchange([]question{
			{args: []string{"GET", k}}, {args: []string{"LRANGE", k, "0", "-1"}}, {args: []string{"SMEMBERS", k}, order: unordered},
			{args: []string{"ZRANGE", k, "0", "-1", "WITHSCORES"}}, {args: []string{"HGETALL", k}, order: pairs},
			{args: []string{"XRANGE", k, "-", "+"}}, {args: []string{"PTTL", k}, order: aboutMs},
		})
	}
}

// history shows what the client said last, and before that what had a key of the
// request.
func (w *twin) history(q question) string {
	const last, most = 10, 40
	var b strings.Builder
	b.WriteString("\nbefore it, of its keys, and then any:")
	past := w.past[:len(w.past)-1]
	shown := 0
	for i, args := range past {
		recent := len(past)-i <= last
		if recent || shown < most && slices.ContainsFunc(args, func(s string) bool {
			return len(s) > len(w.author.prefix)+3 && strings.HasPrefix(s, w.author.prefix) && slices.Contains(q.args, s)
		}) {
			shown++
			fmt.Fprintf(&b, "\n  %.200q", args)
		}
	}
	return b.String()
}
