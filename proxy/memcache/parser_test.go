package memcache

import (
	"fmt"
	"strings"
	"testing"
)

// parseAll cuts every request of in, which arrives cut at the given places, and says
// what was made of it.
func parseAll(in string, cuts ...int) (got []string) {
	p := Parser{MaxData: 1000}
	var buf []byte
	swallow, need, last := 0, 0, 0
	for _, c := range append(cuts, len(in)) {
		buf = append(buf, in[last:c]...)
		last = c
		for len(buf) > 0 {
			if k := min(swallow, len(buf)); k > 0 {
				swallow, buf = swallow-k, buf[k:]
				continue
			}
			p.First = got == nil
			n, st := p.Parse(buf)
			if st == Incomplete {
				need = p.Need()
				break
			}
			if st == TooLong {
				return append(got, "too long")
			}
			if need > n {
				got = append(got, fmt.Sprintf("Need() = %d for a request of %d bytes", need, n))
			}
			need, swallow = 0, p.Req.Swallow
			got = append(got, describe(&p.Req, buf[:n]))
			if p.Req.Verb == Close {
				return got
			}
			buf = buf[n:]
			p.Reset()
		}
	}
	return got
}

// describe writes what matters of a request.
func describe(r *Request, frame []byte) string {
	var b strings.Builder
	switch r.Verb {
	case Answer:
		fmt.Fprintf(&b, "answer %s", r.Reply)
	case Quit:
		b.WriteString("quit")
	case Close:
		fmt.Fprintf(&b, "close %q", r.Reply)
	default:
		sent := string(r.Line) + "|" + string(r.Data)
		if r.Clean {
			sent = "as it is"
		}
		fmt.Fprintf(&b, "%d %s", r.Verb, sent)
	}
	if r.Verb == Get {
		fmt.Fprintf(&b, " name=%s keys=", r.Name)
		for _, k := range r.Args {
			fmt.Fprintf(&b, "%s,", k.Of(r.Line))
		}
	}
	if r.Key != nil {
		fmt.Fprintf(&b, " key=%s", r.Key)
	}
	for _, f := range []struct {
		set  bool
		name string
	}{{r.Silent, "silent"}, {r.Quiet, "quiet"}, {r.Keep, "keep"}, {r.Reads, "reads"}} {
		if f.set {
			b.WriteString(" " + f.name)
		}
	}
	if r.Swallow > 0 {
		fmt.Fprintf(&b, " swallow %d", r.Swallow)
	}
	return b.String()
}

var (
	longKey = strings.Repeat("k", 251)
	fullKey = strings.Repeat("k", 250)
)

var requests = []struct {
	in   string
	want []string
}{
	{"get a\r\nget b c\nbget d\r\n", []string{"1 as it is name=get keys=a, reads", "1 as it is name=get keys=b,c, reads", "1 bget d| name=get keys=d, reads"}},
	{"  gets  a   b \r\n", []string{"1 as it is name=gets keys=a,b, reads"}},
	{"gat 10 a b\r\ngats -1 a\r\ngat x a\r\ngat 10\r\n", []string{"1 as it is name=gat 10 keys=a,b,", "1 as it is name=gats -1 keys=a,", "answer " + badExptime, "answer END"}},
	{"get\r\nget \r\ng a\r\ngxx a\r\n", []string{"answer ERROR", "answer ERROR", "answer ERROR", "answer ERROR"}},
	{"get " + fullKey + "\r\nget a " + longKey + "\r\n", []string{"1 as it is name=get keys=" + fullKey + ", reads", "answer " + badFormat}},
	{"set a 0 0 3\r\nabc\r\nset a 5 -1 0\r\n\r\n", []string{"2 as it is key=a", "2 as it is key=a"}},
	{"set a 0 0 3\r\nabcdef\r\nx\r\n", []string{"2 as it is key=a", "answer ERROR", "answer ERROR"}}, // the server says that the chunk is bad
	{"set a 0 0 3 noreply\r\nabc\r\nappend noreply 1 2 1\r\nx\r\n", []string{"2 set a 0 0 3|abc\r\n key=a silent", "2 as it is key=noreply"}},
	{"set a 0 0 3 other\r\nabc\r\nset a 0 0\r\nset a 0 0 1 2 3\r\n", []string{"2 as it is key=a", "answer ERROR", "answer ERROR"}},
	{"set a 0 0 -1\r\nset a x 0 1\r\nset a -1 0 1\r\nset a 0 x 1\r\nset a 0 0 1x noreply\r\nadd " + longKey + " 0 0 1\r\n",
		[]string{"answer " + badFormat, "answer " + badFormat, "answer " + badFormat, "answer " + badFormat, "answer " + badFormat + " silent", "answer " + badFormat}},
	{"set a 0 0 1001\r\n" + strings.Repeat("x", 1003) + "get a\r\n", []string{"answer SERVER_ERROR object too large for cache key=a swallow 1003", "1 as it is name=get keys=a, reads"}},
	{"set a 0 0 4294967297\r\nx\r\n", []string{"2 as it is key=a"}}, // memcached keeps the lower half
	{"set a 0 0 99999999999999999999\r\n", []string{"answer " + badFormat}},
	{"cas a 0 0 1 7\r\nx\r\ncas a 0 0 1 7 noreply\r\nx\r\ncas a 0 0 1 x\r\ncas a 0 0 1\r\n", []string{"2 as it is key=a", "2 cas a 0 0 1 7|x\r\n key=a silent", "answer " + badFormat, "answer ERROR"}},
	{"incr a 1\r\ndecr a 1 noreply\r\nincr a\r\nincr a x\r\ntouch a 5\r\n", []string{"3 as it is key=a", "3 decr a 1| key=a silent", "answer ERROR", "3 as it is key=a", "3 as it is key=a"}},
	{"delete a\r\ndelete a 0\r\ndelete a noreply\r\ndelete a 0 noreply\r\ndelete noreply\r\ndelete\r\ndelete a b c d\r\n",
		[]string{"3 as it is key=a", "3 as it is key=a", "3 delete a| key=a silent", "3 delete a 0| key=a silent", "3 as it is key=noreply", "answer ERROR", "answer ERROR"}},
	{"version\r\nverbosity 1\r\nverbosity 1 noreply\r\nflush_all\r\nflush_all 10 noreply\r\nflush_all noreply\r\nstats items\r\nquit\r\n",
		[]string{"9 as it is reads", "10 as it is", "10 verbosity 1| silent", "11 as it is", "11 flush_all 10| silent", "11 flush_all| silent", "12 as it is reads", "quit"}},
	{"nosuch\r\n\r\n \r\nGET a\r\nx\r\n", []string{"answer ERROR", "answer ERROR", "answer ERROR", "answer ERROR", "answer ERROR"}},
	{"watch\r\n", []string{"answer CLIENT_ERROR watch is for one server, and this is a pool of them"}},
	{"stats sizes\r\nstats sizes_enable\r\nstats  sizes_disable x\r\nstats shards sizes_enable\r\nstats items sizes_enable\r\n", []string{"12 as it is reads",
		"answer CLIENT_ERROR stats sizes_enable is for one server, and this is a pool of them", "answer CLIENT_ERROR stats sizes_disable is for one server, and this is a pool of them",
		"answer CLIENT_ERROR stats sizes_enable is for one server, and this is a pool of them", "12 as it is reads"}},
	{"sput / HTTP/1.1\r\nincrx HTTP/1.1\r\nxget / HTTP/1.1\r\n", []string{"answer ERROR", "answer ERROR", `close ""`}},
	{"POST / HTTP/1.1\r\n", []string{`close ""`}},
	{"mg a\r\nmg a v q k Oab\r\nmg a q q\r\nmg a T30\r\nmg\r\nmg " + longKey + "\r\n", []string{"4 as it is key=a reads", "4 mg a v k Oab| key=a quiet keep reads", "4 as it is key=a reads", "4 as it is key=a", "answer ERROR", "answer " + badFormat}},
	{"mg Zm9v b v\r\nmg Zm9 b v\r\n", []string{"4 as it is key=foo reads", "4 as it is key=Zm9 reads"}},
	{"ms a 3 q T0\r\nabc\r\nms a 2\r\nhi\r\nms a\r\nms a -1\r\nms a x\r\n", []string{"5 ms a 3 T0|abc\r\n key=a quiet", "5 as it is key=a", "answer " + badFormat, "answer " + badFormat, "answer " + badFormat}},
	{"md a q\r\nma a N0 J5\r\nme a\r\nme\r\nmn\r\nmn x\r\nmx\r\n", []string{"6 md a| key=a quiet", "7 as it is key=a", "8 as it is key=a reads", "answer " + badFormat, "answer MN", "answer MN", "answer ERROR"}},
	{"get a\x00b\r\nset a 0 0 1\x00\r\nx\r\n", []string{"1 get a| name=get keys=a, reads", "2 set a 0 0 1|x\r\n key=a"}},
	{"set a 0 0 1" + strings.Repeat(" ", 2100) + "\r\n", []string{"answer CLIENT_ERROR line too long"}},
	{"set " + strings.Repeat("k", 3000) + " 0 0 1\r\n", []string{"answer " + badFormat}},
	{"\x80\x0b\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00abcd\x00\x00\x00\x00\x00\x00\x00\x00", []string{`close "\x81\v\x00\x00\x00\x00\x00\x81\x00\x00\x00&abcd\x00\x00\x00\x00\x00\x00\x00\x00the binary protocol is not spoken here"`}},
	{"get a\r\n\x80\r\n", []string{"1 as it is name=get keys=a, reads", "answer ERROR"}},
}

// TestRequests has every request come whole, and in two pieces cut at every place. A line
// that is too long is one that memcached takes or not by how it comes.
func TestRequests(t *testing.T) {
	for _, r := range requests {
		if got := parseAll(r.in); fmt.Sprint(got) != fmt.Sprint(r.want) {
			t.Errorf("%.60q:\n got %q\nwant %q", r.in, got, r.want)
		}
		if strings.Index(r.in, "\n") > maxLine {
			continue
		}
		for cut := 1; cut < len(r.in); cut++ {
			if got := parseAll(r.in, cut); fmt.Sprint(got) != fmt.Sprint(r.want) {
				t.Fatalf("%.60q cut at %d:\n got %q\nwant %q", r.in, cut, got, r.want)
			}
		}
	}
}

// TestEndlessLine: a line that does not end is given up, but not that of a get.
func TestEndlessLine(t *testing.T) {
	for _, c := range []struct {
		start string
		want  Status
	}{{"set ", TooLong}, {"gat 1 ", Incomplete}, {"  gats 1 ", Incomplete}, {"gatx 1 ", TooLong}, {"", TooLong}, {"get ", Incomplete}, {" gets ", Incomplete}} {
		var p Parser
		if _, st := p.Parse([]byte(c.start + strings.Repeat("x", 3000))); st != c.want {
			t.Errorf("%q and 3,000 bytes: %d, want %d", c.start, st, c.want)
		}
	}
}

// TestMiss: the reply of mg to a key that is not there has the flags that name it.
func TestMiss(t *testing.T) {
	for line, want := range map[string]string{
		"mg a v":           "EN",
		"mg a v Oxy k":     "EN Oxy ka",
		"mg  Zm9v  k b O1": "EN kZm9v b O1",
	} {
		r := Request{Line: []byte(line)}
		if got := string(r.AppendMiss(nil)); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

// FuzzParser: whatever comes, in pieces or whole, the same is made of it.
func FuzzParser(f *testing.F) {
	for _, r := range requests {
		f.Add(r.in, uint16(3))
	}
	f.Fuzz(func(t *testing.T, in string, cut uint16) {
		if len(in) > maxLine || len(in) == 0 {
			return
		}
		at := int(cut) % len(in)
		whole, pieces := parseAll(in), parseAll(in, at)
		if fmt.Sprint(whole) != fmt.Sprint(pieces) {
			t.Errorf("%q cut at %d:\nwhole  %q\npieces %q", in, at, whole, pieces)
		}
	})
}
