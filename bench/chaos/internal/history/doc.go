// Package history judges what clients saw of a store that may fail: whether an
// answer can be explained by what was asked, and whether what was acknowledged
// is there. It opens no sockets and keeps a little for each key, not the events.
//
//	h := history.New()
//	s := h.Shard("p-1")
//	r := s.Register("color")
//	n, value := r.Begin()            // SET color <value>
//	r.End(n, history.Acked)          // OK
//	before := r.Reading(false)       // GET color
//	r.Read(before, reply, true)
//	h.Verdict().Wrong                // 0
//
// Three kinds of keys: a [Register] is SET by one writer, a [Counter] is
// INCRemented by any number, a [List] is RPUSHed to by one writer. What is
// written tells its key and its number, so an answer that belongs to another
// request is known by its sight.
//
// A write ends in one of three ways: acknowledged, failed for certain, or
// unknown. One that failed must never be seen. One of unknown outcome may be
// executed once, at any later time: a server that hung still has it in its
// socket when it goes on.
//
// A shard whose primary is replaced is told so with Allow; until Strict its answers
// may be older than what was acknowledged, and where asynchronous replication may lose
// writes, what an audit then misses is counted instead of being wrong.
//
// All methods may be called concurrently, but for Begin and End of a Register and
// a List, which belong to the writer, and for audits, which want the writers at rest.
package history
