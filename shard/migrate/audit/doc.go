// Package audit finds keys that live on a shard that does not own them, and
// deletes them or moves them home; and it says what a change of the ring would
// move.
//
//	a, err := audit.Open(ctx, pool, audit.Options{})
//	if err != nil {
//		return err
//	}
//	var keys []audit.Key
//	report, err := a.Find(ctx, func(k audit.Key) { keys = append(keys, k) })
//	...
//	totals, err := a.Repair(ctx, keys, func(o audit.Outcome) { log.Print(o) })
//
// It talks to the servers themselves, not through a proxy, and serves no
// requests. Finding and Against only read. Nothing that Repair does can lose a
// write, whoever else writes and wherever it is interrupted; README.md says why.
//
// An Auditor's methods may be called one at a time. Its callbacks run in the
// goroutine that called the method.
package audit
