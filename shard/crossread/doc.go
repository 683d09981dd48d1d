// Package crossread reads over keys that are on several shards, where the
// reply of one server that holds them all can be made exactly: SUNION, SINTER,
// SDIFF, SINTERCARD, ZUNION, ZINTER, ZDIFF, ZINTERCARD and PFCOUNT. The library
// and the proxy share it, so they agree.
//
// It is two pure functions with a [Plan] between them. [New] says what to ask
// of whom; when every request is answered, [Plan.AppendReply] makes the bytes of
// the client's reply out of the replies' bytes, and [Plan.Reply] does the same
// with redigo's values. It does no I/O and knows no ring: the caller says who
// owns a key, sends, waits, and answers for shards that are down.
//
//	plan, err := crossread.New(cmd, request, keys, owners)
//	if err != nil {
//		return err // Redis's own text
//	}
//	for i := range plan.Requests {
//		r := &plan.Requests[i]
//		send[r.Owner] = r.AppendTo(send[r.Owner])
//	}
//	… // replies[i] answers plan.Requests[i]
//	out, err = plan.AppendReply(out, 2, replies)
//
// The shards are read one after another, not at one moment: a member that is
// moved from one key to another meanwhile may be seen twice or not at all.
//
// A Plan does not change once its caller has set MaxBytes: any number of
// goroutines may use it.
package crossread
