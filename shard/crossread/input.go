package crossread

import (
	"math"
	"slices"
	"strconv"
	"unsafe"
)

// reply is one shard's reply, read from whatever form it came in.
type reply struct {
	kind kind
	text []byte // of a bulk string; of an error, its text
	// items are the strings of an array, those of pairs in it one after the other,
	// so that RESP2's and RESP3's members with scores look alike.
	items [][]byte
}

// kind is what a reply is.
type kind uint8

const (
	null kind = iota
	bulk
	array
	failure
)

var kindNames = [...]string{null: "null", bulk: "a string", array: "an array", failure: "an error"}

func (k kind) String() string { return kindNames[k] }

// input is the replies to a plan's requests. They are read in order, so that
// the first thing that is wrong is what one server would have come to first.
type input struct {
	*Plan
	read func(i int) (reply, error) // decodes the reply to request i
	size int64                      // of the strings so far
}

// reply returns the reply to request i, which must be of a kind that is wanted.
func (in *input) reply(i int, want ...kind) (reply, error) {
	r, err := in.read(i)
	switch {
	case err != nil:
		return r, in.invalid(i, "%v", err)
	case r.kind == failure:
		return r, failed(i, string(r.text))
	case !slices.Contains(want, r.kind):
		return r, in.invalid(i, "%v, want %v", r.kind, want[0])
	}
	in.size += int64(len(r.text))
	for _, item := range r.items {
		in.size += int64(len(item))
	}
	return r, in.Check(in.size)
}

// members returns the members in the reply to request i.
func (in *input) members(i int) ([][]byte, error) {
	r, err := in.reply(i, array)
	return r.items, err
}

// allMembers returns the members in every reply.
func (in *input) allMembers() ([][][]byte, error) {
	all := make([][][]byte, len(in.Requests))
	for i := range all {
		var err error
		if all[i], err = in.members(i); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// scored returns the members and their scores in the reply to request i.
func (in *input) scored(i int) ([]member, error) {
	items, err := in.members(i)
	if err != nil {
		return nil, err
	}
	if len(items)%2 != 0 {
		return nil, in.invalid(i, "%d elements are not members with scores", len(items))
	}
	members := make([]member, 0, len(items)/2)
	for ; len(items) > 0; items = items[2:] {
		score, err := strconv.ParseFloat(text(items[1]), 64)
		if err != nil || math.IsNaN(score) {
			return nil, in.invalid(i, "score %.32q is not a number", items[1])
		}
		members = append(members, member{items[0], score})
	}
	return members, nil
}

// combine makes the result of the replies, or an *Error.
func (p *Plan) combine(replies int, read func(i int) (reply, error)) (result, error) {
	in := &input{Plan: p, read: read}
	switch {
	case replies != len(p.Requests):
		return result{}, refuse("ERR replies are missing") // the caller's mistake
	case p.refusal != "":
		return result{}, in.refused()
	}
	return p.op.combine(in)
}

// refused returns the error of a request whose options are wrong: a shard's, if
// it found something to refuse in the keys.
func (in *input) refused() error {
	for i := range in.Requests {
		r, err := in.read(i)
		switch {
		case err != nil:
			return in.invalid(i, "%v", err)
		case r.kind != failure:
			return in.invalid(i, "%v, want an error", r.kind)
		case string(r.text) != string(syntaxError):
			return failed(i, string(r.text))
		}
	}
	return refuse(string(in.refusal))
}

// text returns the bytes as a string without copying them. Replies and requests
// do not change while they are looked at.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
