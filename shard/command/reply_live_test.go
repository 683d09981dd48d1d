package command

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gomodule/redigo/redis"
)

// parseReply reads a reply of ours as redigo reads a server's.
func parseReply(t *testing.T, reply []byte) any {
	t.Helper()
	client, server := net.Pipe()
	defer client.Close()
	go func() {
		defer server.Close()
		// The request: *1 and its one bulk string, four lines.
		for r, i := bufio.NewReader(server), 0; i < 3; i++ {
			if _, err := r.ReadString('\n'); err != nil {
				return
			}
		}
		server.Write(reply)
	}()
	conn := redis.NewConn(client, 0, 0)
	v, err := conn.Do("X")
	if e, ok := err.(redis.Error); ok {
		return e
	}
	if err != nil {
		t.Fatalf("reply %.200q: %v", reply, err)
	}
	return v
}

// commandReplies are requests whose reply is the server's but for the order of
// sets and for what a function of normal takes out.
var commandReplies = [][]string{
	{"COMMAND"},
	{"COMMAND", "COUNT"},
	{"command", "info"},
	{"COMMAND", "INFO", "get"},
	{"COMMAND", "INFO", "GeT", "nosuch", "mset", "", "config", "Config|Get", "config|nosuch", "get|x", "config|get|x", "|", "get|"},
	{"COMMAND", "INFO", "sort", "georadius", "xread", "eval", "zunionstore", "migrate", "spublish", "set"},
	{"COMMAND", "LIST"},
	{"COMMAND", "LIST", "FILTERBY", "ACLCAT", "Hash"},
	{"COMMAND", "LIST", "FILTERBY", "ACLCAT", "nosuch"},
	{"COMMAND", "LIST", "filterby", "module", "json"},
	{"COMMAND", "LIST", "FILTERBY", "PATTERN", "X*"},
	{"COMMAND", "LIST", "FILTERBY", "PATTERN", "*|*e?"},
	{"COMMAND", "LIST", "FILTERBY", "PATTERN", "[^a-s]*[e-a]"},
	{"COMMAND", "LIST", "FILTERBY", "PATTERN", "\\get*"},
	{"COMMAND", "LIST", "FILTERBY", "PATTERN", "*[gs]et"},
	{"COMMAND", "LIST", "FILTERBY", "PATTERN", "*[t"},
	{"COMMAND", "LIST", "FILTERBY", "PATTERN", ""},
	{"COMMAND", "LIST", "FILTERBY", "PATTERN"},
	{"COMMAND", "LIST", "FILTERBY", "SIZE", "x"},
	{"COMMAND", "LIST", "x"},
	{"COMMAND", "DOCS"},
	{"COMMAND", "DOCS", "get", "nosuch", "config", "config|get"},
	{"COMMAND", "GETKEYS", "mset", "a", "1", "b", "2"},
	{"COMMAND", "GETKEYS", "object", "encoding", "k"},
	{"COMMAND", "GETKEYS", "object", "nosuch", "k"},
	{"COMMAND", "GETKEYS", "eval", "return 1", "0"},
	{"COMMAND", "GETKEYS", "eval", "return 1", "9", "k"},
	{"COMMAND", "GETKEYS", "zunion", "9", "k"},
	{"COMMAND", "GETKEYS", "ping", "x"},
	{"COMMAND", "GETKEYS", "spublish", "c", "m"},
	{"COMMAND", "GETKEYS", "get", "a", "b"},
	{"COMMAND", "GETKEYS", "mset", "a", "b", "c"},
	{"COMMAND", "GETKEYS", "nosuch", "a"},
}

func TestCommandRepliesAreTheServers(t *testing.T) {
	conn, table := live(t), servers(t)
	for _, request := range commandReplies {
		t.Run(strings.Join(request, " "), func(t *testing.T) {
			cmd, err := table.Resolve(Strings(request))
			if err != nil || cmd.Route != Local {
				t.Fatalf("Resolve: %v, %v; want a local command", cmd, err)
			}
			got := normal(parseReply(t, table.AppendCommandReply(nil, Strings(request))))
			want := normal(do(t, conn, words(request...)))
			if !reflect.DeepEqual(got, want) {
				t.Errorf(" ours %.2000s\nlive %.2000s", show(got), show(want))
			}
		})
	}
}

// TestCommandInfoToTheByte compares where no order is free: simple strings and
// bulk strings are told apart too.
func TestCommandInfoToTheByte(t *testing.T) {
	for _, name := range []string{"get", "sort", "georadius", "xread", "eval", "nosuch"} {
		request := words("COMMAND", "INFO", name)
		want := raw(t, request)
		if got := Builtin().AppendCommandReply(nil, request); !bytes.Equal(got, want) {
			t.Errorf("COMMAND INFO %s:\nours %q\nlive %q", name, got, want)
		}
	}
}

// raw returns the bytes of a server's reply.
func raw(t *testing.T, request Slices) []byte {
	t.Helper()
	client, err := net.Dial("tcp", addrOf(t))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	out := appendArray(nil, len(request))
	for _, arg := range request {
		out = appendBulk(out, arg)
	}
	if _, err := client.Write(append(out, "QUIT\r\n"...)); err != nil {
		t.Fatal(err)
	}
	var in bytes.Buffer
	if _, err := in.ReadFrom(client); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(in.Bytes(), []byte("+OK\r\n"))
}

// normal sorts what Redis gives in no order, lists of commands and of names, and
// drops what we leave out: all of COMMAND DOCS but three fields.
func normal(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	var out []any
	for i := 0; i < len(list); i++ {
		// COMMAND DOCS: a name and its map stay together.
		if doc, ok := at(list, i+1).([]any); ok && len(doc) > 0 && isText(doc[0], "summary") {
			out = append(out, []any{list[i], normalDoc(doc)})
			i++
			continue
		}
		out = append(out, normal(list[i]))
	}
	if sortable(out) {
		slices.SortFunc(out, func(a, b any) int { return cmp.Compare(show(a), show(b)) })
	}
	return out
}

// sortable reports whether a list's elements stand for themselves: all names, or
// all descriptions of commands. A description itself is no such list.
func sortable(list []any) bool {
	return !slices.ContainsFunc(list, func(v any) bool { _, ok := v.(int64); return ok })
}

func normalDoc(list []any) any {
	doc := map[string]any{}
	for i := 0; i+1 < len(list); i += 2 {
		switch name := string(list[i].([]byte)); name {
		case "summary", "since", "group":
			doc[name] = list[i+1]
		case "subcommands":
			doc[name] = normal(list[i+1])
		}
	}
	return doc
}

func at(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return nil
}

func isText(v any, s string) bool {
	b, ok := v.([]byte)
	return ok && string(b) == s
}

func show(v any) string { return fmt.Sprintf("%q", v) }
