package proxy_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/ring/randtest"
	"github.com/shardring/shardring/shard/shardtest"
)

var memcachedDiffRun = randtest.NewRun("memcached.diff", "TestMemcachedDifference", 20_000, 4_000)

// TestMemcachedDifference says random things, many of them wrong, to one memcached and to
// the proxy over four. The replies have to be the same bytes, but for unique numbers of
// values: a cas takes the one that its own store gave.
//
// The long form: go test ./proxy -run TestMemcachedDifference -memcached.diff.steps=100000
func TestMemcachedDifference(t *testing.T) {
	seed, steps := memcachedDiffRun.Begin(t)
	each(t, func(t *testing.T, d engine.Driver) {
		t.Parallel()
		alone := shardtest.Memcached(t)
		s := serve(t, d, cacheOf(memcachedN(t, len(names))))
		w := &cacheTwin{
			t: t, rng: rand.New(rand.NewPCG(seed, 0)),
			proxy: dialCache(t, s.addr), alone: dialCache(t, alone.Addr),
		}
		for done := 0; done < steps/len(drivers()) && !t.Failed(); {
			done += w.round()
		}
	})
}

// cacheConn is a connection whose replies are read until a known one.
type cacheConn struct {
	net.Conn
	r *bufio.Reader
}

func dialCache(t *testing.T, addr string) *cacheConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &cacheConn{c, bufio.NewReader(c)}
}

// cacheTwin says the same to both.
type cacheTwin struct {
	t            *testing.T
	rng          *rand.Rand
	proxy, alone *cacheConn
	cas          map[string][2]string // by key: the last number that each side gave
	n            int
	lone         bool // what is said is said alone
}

// round says a few things in one piece, or in several, and compares what is heard until the
// reply to a last request that says which round it is. It returns how many things were said.
func (w *cacheTwin) round() int {
	n := 1 + w.rng.IntN(12)
	if w.lone = w.rng.IntN(2) == 0; w.lone {
		n = 1
	}
	var toProxy, toAlone bytes.Buffer
	for range n {
		a, b := w.command()
		toProxy.WriteString(a)
		toAlone.WriteString(b)
	}
	w.n++
	end := fmt.Sprintf("round%d", w.n)
	// What data was missing is made up for by lines that are no request.
	last := strings.Repeat("\r\n", 3) + "mg " + end + " k v O" + end + "\r\n"
	said := toProxy.String()
	got := w.proxy.exchange(w.t, w.rng, toProxy.String()+last, end)
	want := w.alone.exchange(w.t, w.rng, toAlone.String()+last, end)
	if masked(got) != masked(want) {
		w.t.Errorf("said %.3000q\n  proxy %.3000q\n  alone %.3000q", said, got, want)
	}
	w.remember(got, want)
	return n
}

// exchange writes text in one or more pieces and reads until the reply to end.
func (c *cacheConn) exchange(t *testing.T, rng *rand.Rand, text, end string) string {
	t.Helper()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	cut := rng.IntN(2 * len(text)) // often whole
	go func() {                    // what fails is seen by who reads
		for _, piece := range []string{text[:min(cut, len(text))], text[min(cut, len(text)):]} {
			io.WriteString(c, piece)
		}
	}()
	var b strings.Builder
	for {
		line, err := c.r.ReadString('\n')
		b.WriteString(line)
		if err != nil {
			t.Fatalf("%s: said %.3000q\nheard %.3000q: %v", c.RemoteAddr(), text, b.String(), err)
		}
		if strings.HasPrefix(line, "EN ") && strings.HasSuffix(line, " O"+end+"\r\n") {
			return b.String()
		}
	}
}

// remember takes the unique numbers of what gets and mg were answered.
func (w *cacheTwin) remember(got, want string) {
	w.cas = map[string][2]string{}
	a, b := uniques(got), uniques(want)
	for k, v := range a {
		w.cas[k] = [2]string{v, b[k]}
	}
}

// uniques returns those of VALUE lines.
func uniques(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.SplitSeq(text, "\r\n") {
		if f := strings.Split(line, " "); len(f) == 5 && f[0] == "VALUE" {
			all[f[1]] = f[4]
		}
	}
	return all
}

// masked hides what two servers cannot have in common: times, unique numbers, and whether a
// value is stale, which incr changes or not by where memcached writes the sum.
func masked(text string) string {
	lines := strings.Split(text, "\r\n")
	for i, line := range lines {
		f := strings.Split(line, " ")
		switch {
		case len(f) == 5 && f[0] == "VALUE":
			f[4] = "unique"
		case len(f) > 0 && (f[0] == "HD" || f[0] == "VA" || f[0] == "EX" || f[0] == "NF" || f[0] == "NS"):
			f = slices.DeleteFunc(f, func(flag string) bool { return flag == "W" || flag == "X" || flag == "Z" })
			for j := 1; j < len(f); j++ {
				if n := strings.TrimLeft(f[j], "ctlh"); n != f[j] && isNumber(n) {
					f[j] = f[j][:1] + "#"
				}
			}
		case len(f) > 0 && f[0] == "ME":
			f = f[:2]
		default:
			continue
		}
		lines[i] = strings.Join(f, " ")
	}
	return strings.Join(lines, "\r\n")
}

func isNumber(s string) bool {
	_, err := strconv.ParseInt(s, 10, 64)
	return err == nil
}
