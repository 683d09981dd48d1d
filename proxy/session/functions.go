package session

import (
	"github.com/shardring/shardring/proxy/backend"
	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/resp"
)

// functions is a FUNCTION LIST, asked for once in a pause when an FCALL comes: those
// with the flag no-writes are not held. While it lasts no FUNCTION LOAD of the pool's
// clients changes what it says. It belongs to the pool's loop.
type functions struct {
	call  backend.Call
	pool  *Pool
	reply iobuf.Queue
	reads map[string]bool // which have the flag; nil: there was no answer yet
}

// readOnly reports whether a function is known to have the flag. f may be nil.
func (f *functions) readOnly(name []byte) bool { return f != nil && f.reads[string(name)] }

var functionList = resp.AppendRequest(nil, "FUNCTION", "LIST")

// askFunctions asks the shard of an FCALL for its functions, if nobody has. Every shard
// has the same.
func (s *Session) askFunctions(cmd *command.Command, a *arguments) {
	p := s.pool
	if p.pause.functions != nil {
		return
	}
	shard, _, _ := s.place(cmd, a) // the first one if that is not clear
	f := &functions{pool: p}
	f.call.To, f.call.Inert = f, true
	p.pause.functions = f
	conn, q, err := p.beginOn(p.lanes[0].conns[shard*p.each], &f.call)
	if err != nil {
		f.Fail(&f.call, err)
		return
	}
	conn.Stats.RequestBytes += uint64(len(functionList))
	q.Append(p.core.buffer, functionList)
}

// Reply has what waits be looked at again when the answer is whole.
func (f *functions) Reply(_ *backend.Call, part []byte, done bool) {
	f.reply.Append(f.pool.core.buffer, part)
	if !done {
		return
	}
	text := make([]byte, f.reply.Len())
	f.reply.Peek(text)
	f.reply.Reset(f.pool.core.buffer)
	if f.pool.pause.functions != f {
		return // of an earlier pause
	}
	if f.reads = readers(text); f.reads == nil {
		f.forget()
		return
	}
	f.pool.handlePostponed()
}

// Fail leaves all FCALLs where they are.
func (f *functions) Fail(*backend.Call, *backend.Error) {
	f.reply.Reset(f.pool.core.buffer)
	f.forget()
}

// forget has the next FCALL ask again.
func (f *functions) forget() {
	if f.pool.pause.functions == f {
		f.pool.pause.functions = nil
	}
}

// readers returns the functions of a FUNCTION LIST that have the flag no-writes, or
// nil if it is not one.
func readers(list []byte) map[string]bool {
	reads := map[string]bool{}
	r := flatReader{rest: list}
	for range r.elements() { // libraries
		for range r.pairs() {
			if r.text() != "functions" {
				r.skip()
				continue
			}
			for range r.elements() {
				name, reading := r.function()
				if reading {
					reads[name] = true
				}
			}
		}
	}
	if r.err != nil {
		return nil
	}
	return reads
}

// function takes one of a library's: its name, description and flags.
func (r *flatReader) function() (name string, reading bool) {
	for range r.pairs() {
		switch r.text() {
		case "name":
			name = r.text()
		case "flags":
			for range r.elements() {
				reading = r.text() == "no-writes" || reading
			}
		default:
			r.skip()
		}
	}
	return name, reading
}
