package load

import (
	"fmt"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/bench/chaos/internal/history"
)

// request is one command and who judges its answer.
type request struct {
	command string
	args    []any
	keys    []string // that it writes, for WAIT; empty: it reads

	// ended is told the outcome of a write, and with Acked its reply; a read is told
	// replies only.
	ended func(o history.Outcome, reply any)
}

func (w *worker) malformed(k *keys, r request, reply any) {
	k.history.Wrong(history.Malformed, fmt.Sprint(r.args[0]), "%s got a reply %.60q", r.command, fmt.Sprint(reply))
}

func (w *worker) set(k *keys, key *history.Register) request {
	n, value := key.Begin()
	r := request{command: "SET", args: []any{key.Key, value}, keys: []string{key.Key}}
	r.ended = func(o history.Outcome, reply any) {
		if o == history.Acked && reply != "OK" {
			w.malformed(k, r, reply)
		}
		key.End(n, o)
	}
	return r
}

func (w *worker) get(k *keys, key *history.Register) request {
	before := key.Reading(w.load.spec.Old)
	r := request{command: "GET", args: []any{key.Key}}
	r.ended = func(_ history.Outcome, reply any) {
		value, exists, ok := text(reply)
		if !ok {
			w.malformed(k, r, reply)
			return
		}
		key.Read(before, value, exists)
	}
	return r
}

func (w *worker) incr(k *keys, key *history.Counter) request {
	before := key.Begin()
	r := request{command: "INCR", args: []any{key.Key}, keys: []string{key.Key}}
	r.ended = func(o history.Outcome, reply any) {
		value, ok := reply.(int64)
		if o == history.Acked && !ok {
			w.malformed(k, r, reply)
			o = history.Unknown
		}
		key.End(before, o, value)
	}
	return r
}

func (w *worker) count(k *keys, key *history.Counter) request {
	before := key.Reading(w.load.spec.Old)
	r := request{command: "GET", args: []any{key.Key}}
	r.ended = func(_ history.Outcome, reply any) {
		value, ok := number(reply)
		if !ok {
			w.malformed(k, r, reply)
			return
		}
		key.Read(before, value)
	}
	return r
}

func (w *worker) push(k *keys, key *history.List) request {
	n, element := key.Begin()
	r := request{command: "RPUSH", args: []any{key.Key, element}, keys: []string{key.Key}}
	r.ended = func(o history.Outcome, reply any) {
		length, ok := reply.(int64)
		if o == history.Acked && !ok {
			w.malformed(k, r, reply)
			o = history.Unknown
		}
		key.End(n, o, length)
	}
	return r
}

func (w *worker) tail(k *keys, key *history.List) request {
	before := key.Reading(w.load.spec.Old)
	r := request{command: "LRANGE", args: []any{key.Key, -20, -1}}
	r.ended = func(_ history.Outcome, reply any) {
		elements, err := redis.Strings(reply, nil)
		if err != nil {
			w.malformed(k, r, reply)
			return
		}
		key.Read(before, elements)
	}
	return r
}

// echo is answered by whoever is asked first; a reply of another request shows.
func (w *worker) echo() request {
	w.echoes++
	payload := fmt.Sprintf("echo|%d|%d", w.number, w.echoes)
	r := request{command: "ECHO", args: []any{payload}}
	r.ended = func(_ history.Outcome, reply any) {
		if got, _, ok := text(reply); !ok || got != payload {
			w.load.shards[0].history.Wrong(history.Foreign, payload, "ECHO got %.60q", fmt.Sprint(reply))
		}
	}
	return r
}

// setAll is an MSET over all shards.
func (w *worker) setAll() request {
	r := request{command: "MSET"}
	var numbers []uint64
	for _, key := range w.registers {
		n, value := key.Begin()
		numbers = append(numbers, n)
		r.args = append(r.args, key.Key, value)
		r.keys = append(r.keys, key.Key)
	}
	r.ended = func(o history.Outcome, reply any) {
		if o == history.Acked && reply != "OK" {
			w.malformed(w.load.shards[0], r, reply)
		}
		for i, key := range w.registers {
			key.End(numbers[i], o)
		}
	}
	return r
}

// getAll is an MGET over all shards.
func (w *worker) getAll() request {
	r := request{command: "MGET"}
	var asked []*history.Register
	var before []history.Reading
	for _, k := range w.load.shards {
		for range 2 {
			key := pick(w, k.registers)
			asked = append(asked, key)
			before = append(before, key.Reading(w.load.spec.Old))
			r.args = append(r.args, key.Key)
		}
	}
	r.ended = func(_ history.Outcome, reply any) {
		values, ok := reply.([]any)
		if !ok || len(values) != len(asked) {
			w.malformed(w.load.shards[0], r, reply)
			return
		}
		for i, key := range asked {
			value, exists, ok := text(values[i])
			if !ok {
				w.malformed(w.load.shards[0], r, values[i])
				continue
			}
			key.Read(before[i], value, exists)
		}
	}
	return r
}
