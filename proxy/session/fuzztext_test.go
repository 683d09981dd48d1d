package session

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/shardring/shardring/shard/config"
)

// echoText is echo for memcached: nothing is kept, and whether a key is there, or a change
// is refused, is a function of the command.
func (n *simNode) echoText(args [][]byte) []byte {
	b := &bytes.Buffer{}
	name := string(args[0])
	all := bytes.Join(args, []byte(" "))
	luck := func(of []byte, choices ...string) string {
		return choices[crc32.ChecksumIEEE(of)%uint32(len(choices))]
	}
	switch name {
	case "get", "gat", "gets", "gats":
		for _, k := range textKeys(name, args) {
			if luck([]byte(k), "there", "there", "") == "there" {
				data := fmt.Sprintf("%s of %q\r\nEND\r\n", n.name, k)
				fmt.Fprintf(b, "VALUE %s 0 %d%s\r\n%s\r\n", k, len(data), strings.Repeat(" 1", len(name)-3), data)
			}
		}
		b.WriteString(luck(all, "END", "END", "END", "END", "END", "SERVER_ERROR out of memory") + "\r\n")
	case "mg":
		k := textKeys(name, args)[0]
		switch code := luck(all, "HD", "EN", "CLIENT_ERROR invalid flag"); {
		case code == "HD" && hasFlag(args, 'v'):
			fmt.Fprintf(b, "VA %d%s%s\r\n", len(k), n.said(k, args, true), k)
		case code == "CLIENT_ERROR invalid flag":
			b.WriteString(code + "\r\n")
		default:
			b.WriteString(code + n.said(k, args, code == "HD"))
		}
	case "ms", "md", "ma":
		k := textKeys(name, args)[0]
		b.WriteString(luck(all, "HD", "HD", "NS", "NF", "EX", "CLIENT_ERROR bad") + n.said(k, args, false))
	case "me":
		fmt.Fprintf(b, "ME %s exp=-1\r\n", args[1])
	case "version":
		fmt.Fprintf(b, "VERSION 1.6.%d\r\n", 18-n.shard)
	case "stats":
		fmt.Fprintf(b, "STAT %s %d\r\nSTAT ones 1\r\nEND\r\n", luck(all, "pid", "hits"), n.shard)
	case "verbosity", "flush_all":
		b.WriteString(luck(all, "OK", "OK", "ERROR") + "\r\n")
	case "incr", "decr":
		fmt.Fprintf(b, "%d\r\n", len(all))
	default:
		if !slices.Contains(append(stores, "delete", "touch"), name) {
			n.w.t.Errorf("%s: %.200q should not come here", n.name, args)
		}
		b.WriteString(luck(all, "STORED", "NOT_STORED", "SERVER_ERROR object too large for cache", "EXISTS") + "\r\n")
	}
	return b.Bytes()
}

// FuzzTextSession is FuzzSession for memcached.
func FuzzTextSession(f *testing.F) {
	for _, in := range []string{
		"get a\r\nget a b c d e f a\r\ngets a b c d\ngat 10 a b c\r\ngats -1 a\r\n  get  a   b \r\nbget a b\r\nget a\x00b c\r\nget\r\n",
		"set a 1 0 3\r\nabc\r\nadd b 0 -1 0\r\n\r\nreplace c 0 0 3 noreply\r\nabc\r\ncas d 0 0 5 77\r\nget a\r\nappend a 0 0 +2\r\nxxprepend a 0 0 1\r\n\n\r\nset a 0 0 x\r\nset a 0 0 -1 noreply\r\n",
		"incr a 5\r\ndecr a 5 noreply\r\nincr a x\r\ndelete a\r\ndelete a 0\r\ndelete a 0 noreply\r\ndelete a 5\r\ntouch a 0\r\ntouch a -1 noreply\r\ntouch a\r\n",
		"mg a v k O1\r\nmg YWI= b k v Oxy q\r\nms a 3 q O2\r\nabc\r\nms YWI= 0 b MS q\r\n\r\nmd b q O4\r\nma c q D2 v O5\r\nma d N0 J1\r\nmd e q k O6\r\nmg f q q\r\nme a\r\nmn\r\nmg\r\nms a\r\nmx a\r\n",
		"flush_all\r\nflush_all 10 noreply\r\nversion\r\nverbosity 1\r\nverbosity\r\nstats\r\nstats items\r\nstats reset\r\nstats shards\r\nstats shards slabs\r\nno such\r\nslabs reassign 1 2\r\n",
		"get " + strings.Repeat("k", 251) + "\r\nset " + strings.Repeat("k", 250) + " 0 0 4\r\n\r\n\r\n\r\nmd " + strings.Repeat("k", 251) + " q\r\nmn\r\n",
		"gat 0" + strings.Repeat(" some:key another", 100) + "\r\nget" + strings.Repeat(" a b c", 300) + "\r\n",
	} {
		for _, end := range []string{"", "quit\r\nget a\r\n", "get", "GET / HTTP/1.1\r\n\r\n", "set a 0 0 9999999999\r\nx", "set a 0 0 2000000000\r\nget a\r\n"} {
			f.Add([]byte(in+end), []byte{0, 1, 2, 30, 3, 255, 4, 5}, uint8(1))
			f.Add([]byte(in+end), []byte(strings.Repeat("\x00", 300)), uint8(200))
		}
	}
	f.Add([]byte("\x80\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04\x00\x00\x00\x00\x00\x00\x00\x00"), []byte{5}, uint8(1))
	f.Add([]byte("set a 0 0 20000\r\n"+strings.Repeat("0123456789012345678\n", 1000)+"\r\nget a b\r\n"), []byte{255, 255, 0}, uint8(200))
	f.Fuzz(func(t *testing.T, in, pieces []byte, window uint8) {
		if len(in) > 32<<10 || slices.ContainsFunc(bytes.Split(in, []byte("\n")), func(line []byte) bool { return len(line) > maxTextLine }) {
			return // such a line is read only if it comes at once
		}
		limits, cfg := DefaultLimits(), config.Pool{}
		if window > 127 {
			cfg.Auth = config.NewSecret("pw")
		}
		if window&64 != 0 {
			cfg.OnShardError = config.ShardErrorIsMiss
		}
		shards := []int{1, 4}[window>>5&1]
		want := newTextRig(t, limits, shards, cfg).converse(in, nil, false)
		if got := newTextRig(t, limits, shards, cfg).converse(in, nil, true); got != want {
			t.Fatalf("ended at once: %q\nlater:         %q", got, want)
		}
		limits.InFlight = 1 + int(window%8)
		limits.Output = 16 << (window % 16)
		limits.Stream = 1 + int(window)
		if got := newTextRig(t, limits, shards, cfg).converse(in, pieces, false); got != want {
			t.Fatalf("cut:   %q\nwhole: %q", got, want)
		}
		for rest := []byte(want); len(rest) > 0 && rest[0] != 0x81; {
			_, n, _, err := textWords{}.reply(rest)
			if n == 0 {
				t.Fatalf("no reply: %q, %v", rest, err)
			}
			rest = rest[n:]
		}
	})
}
