package crossread_test

import (
	"fmt"

	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/crossread"
)

// Three keys, two of them on shard 7.
func Example() {
	request := command.Slices{[]byte("SDIFF"), []byte("all"), []byte("banned"), []byte("away")}
	cmd, _ := command.Builtin().Resolve(request)
	keys, _ := cmd.Keys(nil, request)

	plan, err := crossread.New(cmd, request, keys, []int{7, 2, 7})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range plan.Requests {
		fmt.Printf("shard %d: %s %s\n", r.Owner, r.Name, r.Args)
	}

	reply, err := plan.AppendReply(nil, 3, [][]byte{
		[]byte("*2\r\n$3\r\nada\r\n$3\r\nbob\r\n"),
		[]byte("*1\r\n$3\r\nbob\r\n"),
	})
	fmt.Printf("%q %v\n", reply, err)
	// Output:
	// shard 7: SDIFF [all away]
	// shard 2: SUNION [banned]
	// "~1\r\n$3\r\nada\r\n" <nil>
}
