package command

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/shardtest"
)

// live connects to a redis-server that ends with the test.
func live(t testing.TB) redis.Conn {
	t.Helper()
	conn, err := redis.Dial("tcp", addrOf(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// addrOf returns the address of a redis-server that ends with the test.
func addrOf(t testing.TB) string {
	t.Helper()
	return shardtest.Redis(t).Addr
}

// servers is the table of the live server alone: Builtin without withNewer.
func servers(t testing.TB) *Table {
	t.Helper()
	table, err := NewTable(generated)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// send queues a request.
func send(t testing.TB, conn redis.Conn, request Slices) {
	t.Helper()
	args := make([]any, len(request)-1)
	for i, arg := range request[1:] {
		args[i] = arg
	}
	if err := conn.Send(string(request[0]), args...); err != nil {
		t.Fatal(err)
	}
}

// receive returns the next reply; an error reply is a redis.Error value.
func receive(t testing.TB, conn redis.Conn) any {
	t.Helper()
	reply, err := conn.Receive()
	if refused := redis.Error(""); errors.As(err, &refused) {
		return refused
	}
	if err != nil {
		t.Fatalf("receive: %v", err)
	}
	return reply
}

// do sends one request and returns its reply.
func do(t testing.TB, conn redis.Conn, request Slices) any {
	t.Helper()
	send(t, conn, request)
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	return receive(t, conn)
}

// words makes a request of strings.
func words(args ...string) Slices {
	s := make(Slices, len(args))
	for i, arg := range args {
		s[i] = []byte(arg)
	}
	return s
}

func TestTableIsTheServers(t *testing.T) {
	reply, ok := do(t, live(t), words("COMMAND")).([]any)
	if !ok || len(reply) != len(generated) {
		t.Fatalf("the server has %d commands, the table %d: run go generate ./shard/command", len(reply), len(generated))
	}
	want := map[string]Info{}
	for _, r := range reply {
		info, err := ParseInfo(r)
		if err != nil {
			t.Fatal(err)
		}
		want[info.Name] = info
	}
	for _, info := range generated {
		if got := undocumented(info); !reflect.DeepEqual(got, want[info.Name]) {
			t.Errorf("%s: run go generate ./shard/command\n table %+v\nserver %+v", info.Name, got, want[info.Name])
		}
	}
	if !slices.IsSortedFunc(generated, compareNames) {
		t.Error("the generated table is not sorted by name")
	}
}

// undocumented returns what COMMAND says of a command, without COMMAND DOCS.
func undocumented(info Info) Info {
	info.Summary, info.Since, info.Group = "", "", ""
	info.Subcommands = slices.Clone(info.Subcommands)
	for i, sub := range info.Subcommands {
		info.Subcommands[i] = undocumented(sub)
	}
	return info
}
