package session

import (
	"fmt"
	"slices"
	"strconv"
)

// value is what a key holds.
type value struct {
	there bool
	s     string
}

func (v value) String() string {
	if !v.there {
		return "nothing"
	}
	return reply{typ: '$', text: v.s}.String()
}

// is reports whether r is what GET answers for v.
func (v value) is(r reply) bool {
	return r.typ == '$' && r.null == !v.there && r.text == v.s
}

// outcome is what a reply says about a write.
type outcome uint8

const (
	done  outcome = iota // executed
	maybe                // may or may not have been
	not                  // not executed
	late                 // its time was over: it may be executed, at any time
)

// holding is what one key may hold, as far as its only writer can know. More
// than one value is possible after a write that was maybe executed; what is read
// later decides.
type holding struct {
	values []value
	any    bool // too many to follow
	loose  bool // a write may still come, over a connection that is no longer used
}

// maxValues is how many possible values are followed.
const maxValues = 24

// write applies a write with this outcome. reply, if there is one, narrows what
// the key held before: only values with which next agrees are possible.
func (h *holding) write(o outcome, next func(value) (value, bool)) error {
	if o == late {
		h.loose = true
	}
	if o == not || h.loose || h.any && o == maybe {
		return nil
	}
	var after []value
	for _, v := range h.values {
		if n, ok := next(v); ok && !slices.Contains(after, n) {
			after = append(after, n)
		}
	}
	if h.any {
		// Whatever it was: a write that does not depend on it decides.
		if a, ok := next(value{}); ok {
			if b, ok := next(value{true, "1"}); ok && a == b {
				h.any, h.values = false, []value{a}
			}
		}
		return nil
	}
	if len(after) == 0 {
		return fmt.Errorf("not possible with %v", h)
	}
	if o == maybe {
		for _, v := range h.values {
			if !slices.Contains(after, v) {
				after = append(after, v)
			}
		}
	}
	h.values = after
	if len(after) > maxValues {
		h.any, h.values = true, nil
	}
	return nil
}

// read narrows the values to what was read.
func (h *holding) read(r reply) error {
	if h.loose {
		return nil
	}
	if h.any {
		if r.typ != '$' {
			return fmt.Errorf("no string")
		}
		h.any, h.values = false, []value{{!r.null, r.text}}
		return nil
	}
	i := slices.IndexFunc(h.values, func(v value) bool { return v.is(r) })
	if i < 0 {
		return fmt.Errorf("it holds %v", h)
	}
	h.values = []value{h.values[i]}
	return nil
}

// present narrows the values to those that are there, or not; it reports
// whether both were possible before.
func (h *holding) present() (least, most int64) {
	if h.any || h.loose {
		return 0, 1
	}
	least = 1
	for _, v := range h.values {
		if v.there {
			most = 1
		} else {
			least = 0
		}
	}
	return least, most
}

func (h *holding) String() string {
	if h.any {
		return "anything"
	}
	if len(h.values) > 4 {
		return fmt.Sprintf("%v or %d others", h.values[:4], len(h.values)-4)
	}
	return fmt.Sprint(h.values)
}

func set(s string) func(value) (value, bool) {
	return func(value) (value, bool) { return value{true, s}, true }
}

func remove(value) (value, bool) { return value{}, true }

// appended: length is what APPEND answered, -1 if nothing.
func appended(s string, length int64) func(value) (value, bool) {
	return func(v value) (value, bool) {
		n := value{true, v.s + s}
		return n, length < 0 || int64(len(n.s)) == length
	}
}

// added: sum is what INCRBY answered, nil if nothing.
func added(d int64, sum *int64) func(value) (value, bool) {
	return func(v value) (value, bool) {
		n, _ := strconv.ParseInt(v.s, 10, 64)
		return value{true, strconv.FormatInt(n+d, 10)}, sum == nil || *sum == n+d
	}
}
