package crossread

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/gomodule/redigo/redis"
)

// wire writes replies without their line ends: "*2 $1 a $1 b".
func wire(replies ...string) [][]byte {
	all := make([][]byte, len(replies))
	for i, r := range replies {
		all[i] = []byte(strings.ReplaceAll(r, " ", "\r\n") + "\r\n")
	}
	return all
}

func TestAppendReply(t *testing.T) {
	for _, row := range []struct {
		line         string
		replies      [][]byte
		resp2, resp3 string
	}{
		{"sunion a0 b1", wire("*2 $1 a $1 b", "~2 $1 b $1 c"), "*3 $1 a $1 b $1 c", "~3 $1 a $1 b $1 c"},
		{"sunion a0 b1", wire("*0", "~0"), "*0", "~0"},
		{"sinter a0 b1 c2", wire("*2 $1 a $1 b", "*3 $1 c $1 b $1 a", "*2 $1 x $1 b"), "*1 $1 b", "~1 $1 b"},
		{"sdiff a0 b1 c2", wire("*3 $1 a $1 b $0 ", "*1 $1 b", "*1 $1 z"), "*2 $1 a $0 ", "~2 $1 a $0 "},
		{"sintercard 2 a0 b1", wire("*2 $1 a $1 b", "*2 $1 b $1 a"), ":2", ":2"},
		{"sintercard 2 a0 b1 limit 1", wire("*2 $1 a $1 b", "*2 $1 b $1 a"), ":1", ":1"},
		{"zintercard 2 a0 b1 limit 5", wire("*2 $1 a $1 b", "*2 $1 b $1 a"), ":2", ":2"},
		{"zdiff 2 a0 b1", wire("*2 $1 b $1 a", "*1 $1 a"), "*1 $1 b", "*1 $1 b"},
		{"zdiff 2 a0 b1 withscores", wire("*4 $1 b $3 0.5 $1 a $3 inf", "*1 $1 c"),
			"*4 $1 b $3 0.5 $1 a $3 inf", "*2 *2 $1 b ,0.5 *2 $1 a ,inf"},
		{"zunion 2 a0 b1 withscores", wire("*4 $1 b $1 1 $1 a $1 2", "*2 *2 $1 b ,3 *2 $1 c ,4"),
			"*6 $1 a $1 2 $1 b $1 4 $1 c $1 4", "*3 *2 $1 a ,2 *2 $1 b ,4 *2 $1 c ,4"},
		{"zunion 3 a0 b1 a0", wire("*2 $1 a $1 1", "*2 $1 b $1 2"), "*2 $1 a $1 b", "*2 $1 a $1 b"},
		// One and then two keys with 1e16: the small sets' scores are added first.
		{"zinter 3 a0 b1 c2 withscores", wire("*4 $1 a $4 1e16 $1 z $1 1", "*2 $1 a $5 -1e16", "*2 $1 a $1 1"), "*2 $1 a $1 0", "*1 *2 $1 a ,0"},
		{"zinter 3 a0 b1 c2 withscores", wire("*2 $1 a $4 1e16", "*2 $1 a $5 -1e16", "*4 $1 a $1 1 $1 z $1 2"), "*2 $1 a $1 1", "*1 *2 $1 a ,1"},
		{"pfcount a0 b1", wire("$-1", "_"), ":0", ":0"},
	} {
		plan, err := planOf(t, row.line)
		if err != nil {
			t.Fatal(err)
		}
		for proto, want := range map[int]string{2: row.resp2, 3: row.resp3} {
			have, err := plan.AppendReply([]byte("before"), proto, row.replies)
			if want := "before" + string(wire(want)[0]); err != nil || string(have) != want {
				t.Errorf("%s, RESP%d: %q, %v; want %q", row.line, proto, have, err, want)
			}
		}
	}
}

func TestReply(t *testing.T) {
	b := func(s string) any { return []byte(s) }
	for _, row := range []struct {
		line    string
		replies []any
		want    any
	}{
		{"sunion a0 b1", []any{[]any{b("a")}, []any{b("a"), b("b")}}, []any{b("a"), b("b")}},
		{"sinter a0 b1", []any{[]any{b("a")}, []any{}}, []any{}},
		{"sintercard 2 a0 b1", []any{[]any{b("a")}, []any{b("a"), b("b")}}, int64(1)},
		{"zdiff 2 a0 b1 withscores", []any{[]any{b("a"), b("1.5")}, []any{b("x")}}, []any{b("a"), b("1.5")}},
		{"pfcount a0 b1", []any{nil, nil}, int64(0)},
	} {
		plan, err := planOf(t, row.line)
		if err != nil {
			t.Fatal(err)
		}
		if have, err := plan.Reply(row.replies); err != nil || !reflect.DeepEqual(have, row.want) {
			t.Errorf("%s: %q, %v; want %q", row.line, have, err, row.want)
		}
	}
}

// TestErrors: replies of which no result can be made, and who is to blame.
func TestErrors(t *testing.T) {
	const wrongType = "WRONGTYPE Operation against a key holding the wrong kind of value"
	for _, row := range []struct {
		line    string
		replies [][]byte
		want    string
		request int
	}{
		{"sunion a0 b1", [][]byte{[]byte("*0\r\n"), []byte("-" + wrongType + "\r\n")}, wrongType, -1},
		{"sunion a0 b1", [][]byte{[]byte("*0\r\n"), []byte(fmt.Sprintf("!%d\r\n%s\r\n", len(wrongType), wrongType))}, wrongType, -1},
		{"sunion a0 b1", [][]byte{[]byte("-LOADING wait\r\n"), []byte("-" + wrongType + "\r\n")}, "LOADING wait", 0},
		{"zunion 2 a0 b1 nonsense", wire("-ERR syntax error", "-ERR syntax error")[:1], "ERR replies are missing", -1},
		{"zunion 2 a0 b1 nonsense", [][]byte{[]byte("-ERR syntax error\r\n"), []byte("-ERR syntax error\r\n")}, "ERR syntax error", -1},
		{"zunion 2 a0 b1 weights 1 x", [][]byte{[]byte("-ERR syntax error\r\n"), []byte("-ERR syntax error\r\n")}, "ERR weight value is not a float", -1},
		{"zunion 2 a0 b1 weights 1 x", [][]byte{[]byte("-ERR syntax error\r\n"), []byte("-" + wrongType + "\r\n")}, wrongType, -1},
		{"zunion 2 a0 b1 weights 1 x", [][]byte{[]byte("-ERR syntax error\r\n"), []byte("-NOPERM no\r\n")}, "NOPERM no", 1},
		{"zunion 2 a0 b1 weights 1 x", wire("*0", "*0"), "ERR invalid reply to ZUNION: an array, want an error", 0},
		{"pfcount a0 b1", wire("$4 HYLL", "$-1"), "WRONGTYPE Key is not a valid HyperLogLog string value.", -1},

		{"sunion a0 b1", wire("*0", ":1"), "ERR invalid reply to SUNION: unexpected type ':'", 1},
		{"sunion a0 b1", wire("*0", "$1 a"), "ERR invalid reply to SUNION: a string, want an array", 1},
		{"sunion a0 b1", wire("*0", "*2 $1 a"), "ERR invalid reply to SUNION: it ends too early", 1},
		{"sunion a0 b1", wire("*0", "*2000000000 $1 a"), "ERR invalid reply to SUNION: it ends too early", 1},
		{"sunion a0 b1", wire("*0", "*1 $-1"), "ERR invalid reply to SUNION: null in an array", 1},
		{"sunion a0 b1", wire("*0", "*1 *1 $1 a"), "ERR invalid reply to SUNION: an array in an array", 1},
		{"sunion a0 b1", wire("*0", "*1 *2 $1 a *2 $1 a $1 b"), "ERR invalid reply to SUNION: an array in an array", 1},
		{"sunion a0 b1", wire("*0", "*1 $1 aa"), "ERR invalid reply to SUNION: a string without its end", 1},
		{"sunion a0 b1", wire("*0", "*1 $x a"), `ERR invalid reply to SUNION: length "x"`, 1},
		{"sunion a0 b1", wire("*0", "*-2"), `ERR invalid reply to SUNION: length "-2"`, 1},
		{"sunion a0 b1", wire("*0", "*0 *0"), "ERR invalid reply to SUNION: bytes after its end", 1},
		{"sunion a0 b1", [][]byte{nil, nil}, "ERR invalid reply to SUNION: it ends too early", 0},
		{"pfcount a0 b1", wire("$-1", "*0"), "ERR invalid reply to GET: an array, want a string", 1},
		{"zunion 2 a0 b1", wire("*0", "*1 $1 a"), "ERR invalid reply to ZINTER: 1 elements are not members with scores", 1},
		{"zunion 2 a0 b1", wire("*0", "*2 $1 a $1 b"), `ERR invalid reply to ZINTER: score "b" is not a number`, 1},
		{"zunion 2 a0 b1", wire("*0", "*1 *2 $1 a ,nan"), `ERR invalid reply to ZINTER: score "nan" is not a number`, 1},
	} {
		plan, err := planOf(t, row.line)
		if err != nil {
			t.Fatal(err)
		}
		have, err := plan.AppendReply([]byte("before"), 2, row.replies)
		var e *Error
		if !errors.As(err, &e) || e.Text != row.want || e.Request != row.request || string(have) != "before" {
			t.Errorf("%s, %q: %q, %#v; want %s", row.line, row.replies, have, err, row.want)
		}
	}
}

func TestReplyErrors(t *testing.T) {
	plan, err := planOf(t, "sunion a0 b1")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		reply any
		want  Error
	}{
		{redis.Error("WRONGTYPE x"), Error{"WRONGTYPE x", -1}},
		{redis.Error("LOADING x"), Error{"LOADING x", 1}},
		{int64(1), Error{"ERR invalid reply to SUNION: unexpected type int64", 1}},
		{nil, Error{"ERR invalid reply to SUNION: null, want an array", 1}},
		{[]any{nil}, Error{"ERR invalid reply to SUNION: <nil> in an array", 1}},
	} {
		v, err := plan.Reply([]any{[]any{}, row.reply})
		var e *Error
		if v != nil || !errors.As(err, &e) || *e != row.want {
			t.Errorf("%v: %v, %v", row.reply, v, err)
		}
	}
}

// TestMaxBytes counts the strings of all replies.
func TestMaxBytes(t *testing.T) {
	plan, err := planOf(t, "sunion a0 b1")
	if err != nil {
		t.Fatal(err)
	}
	replies := wire("*2 $3 abc $1 d", "*2 $1 e $1 d")
	for limit, want := range map[int64]bool{0: true, 5: false, 6: true} {
		plan.MaxBytes = limit
		_, err := plan.AppendReply(nil, 2, replies)
		if (err == nil) != want {
			t.Errorf("limit %d: %v", limit, err)
		}
		if err != nil && err.Error() != "ERR SUNION over several shards: the replies hold more than 5 bytes" {
			t.Error(err)
		}
		if check := plan.Check(6); (check == nil) != want {
			t.Errorf("Check with limit %d: %v", limit, check)
		}
	}
}
