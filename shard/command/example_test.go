package command_test

import (
	"fmt"
	"strings"

	"github.com/shardring/shardring/shard/command"
)

// One request of each route, planned.
func Example() {
	table := command.Builtin()
	for _, line := range []string{
		"GET user:1",
		"MGET user:1 user:2",
		"SINTERSTORE {a}both {a}x {a}y",
		"EVAL script 2 {a}x {a}y arg",
		"DBSIZE",
		"PING",
		"SUBSCRIBE news",
		"GET",
		"GTE user:1",
	} {
		request := command.Strings(strings.Fields(line))
		cmd, err := table.Resolve(request)
		if err != nil {
			fmt.Println(err)
			continue
		}
		if cmd.Route == command.Refused {
			fmt.Println(cmd.Reason())
			continue
		}
		keys, err := cmd.Keys(nil, request)
		fmt.Println(cmd.Name, cmd.Route, cmd.Merge, keys, err)
	}
	// Output:
	// get single none [1] <nil>
	// mget split gather array [1 2] <nil>
	// sinterstore single none [1 2 3] <nil>
	// eval single none [3 4] <nil>
	// dbsize all sum [] <nil>
	// ping local none [] <nil>
	// subscribe own none [] <nil>
	// ERR wrong number of arguments for 'get' command
	// ERR unknown command 'GTE', with args beginning with: 'user:1'
}

// A script without keys still has a shard, the same for EVAL and for EVALSHA.
func ExampleCommand_StandIn() {
	table := command.Builtin()
	for _, request := range []command.Strings{
		{"EVAL", "return 1", "0"},
		{"EVALSHA", "E0E1F9FABFC9D4800C877A703B823AC0578FF8DB", "0"},
	} {
		cmd, err := table.Resolve(request)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s\n", cmd.StandIn(nil, request))
	}
	// Output:
	// e0e1f9fabfc9d4800c877a703b823ac0578ff8db
	// e0e1f9fabfc9d4800c877a703b823ac0578ff8db
}
