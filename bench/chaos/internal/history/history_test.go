package history

import "testing"

// script drives one key of each kind as a load would.
type script struct {
	h *History
	s *Shard
	r *Register
	c *Counter
	l *List
}

func newScript() *script {
	h := New()
	s := h.Shard("p-1")
	return &script{h, s, s.Register("r", 40), s.Counter("c"), s.List("l")}
}

func (t *script) set(o Outcome) (value string) {
	n, value := t.r.Begin()
	t.r.End(n, o)
	return value
}

func (t *script) get(value string) { t.r.Read(t.r.Reading(false), value, value != "") }

func (t *script) incr(o Outcome, reply int64) { t.c.End(t.c.Begin(), o, reply) }

func (t *script) push(o Outcome, length int64) string {
	n, element := t.l.Begin()
	t.l.End(n, o, length)
	return element
}

func (t *script) tail(elements ...string) { t.l.Read(t.l.Reading(false), elements) }

func TestRightAnswersPass(t *testing.T) {
	for name, play := range map[string]func(*script){
		"read what was written": func(t *script) { t.get(""); t.get(t.set(Acked)) },
		"read what is under way": func(t *script) {
			n, value := t.r.Begin()
			t.get(value)
			t.r.End(n, Acked)
		},
		"old value, read before the acknowledgement": func(t *script) {
			old := t.set(Acked)
			before := t.r.Reading(false)
			t.set(Acked)
			t.r.Read(before, old, true)
		},
		"unknown, executed or not": func(t *script) {
			a, b := t.set(Acked), t.set(Unknown)
			t.get(a)
			t.get(b)
		},
		"unknown, executed behind a later write": func(t *script) {
			late := t.set(Unknown)
			t.get(t.set(Acked))
			t.get(late)
			t.r.Audit(late, true)
		},
		"failed, not there": func(t *script) {
			a := t.set(Acked)
			t.set(Failed)
			t.get(a)
			t.r.Audit(a, true)
		},
		"old, of a replica": func(t *script) {
			a := t.set(Acked)
			t.set(Acked)
			t.r.Read(t.r.Reading(true), a, true)
		},
		"counted": func(t *script) {
			t.incr(Acked, 1)
			t.incr(Failed, 0)
			t.incr(Unknown, 0)
			t.incr(Acked, 3)
			t.c.Read(t.c.Reading(false), 3)
			t.c.Audit(3)
			t.incr(Acked, 4)
		},
		"counted late, after an audit": func(t *script) {
			t.incr(Unknown, 0)
			t.c.Audit(0)
			t.incr(Acked, 2)
		},
		"pushed": func(t *script) {
			a, b := t.push(Acked, 1), t.push(Unknown, 0)
			c := t.push(Acked, 3)
			t.tail(a, b, c)
			t.l.Audit([]string{a, b, c})
		},
		"pushed late": func(t *script) {
			a, b := t.push(Acked, 1), t.push(Unknown, 0)
			c := t.push(Acked, 2)
			t.tail(c, b)
			t.l.Audit([]string{a, c, b})
		},
		"old, of a primary that was replaced": func(t *script) {
			a := t.set(Acked)
			t.set(Acked)
			t.incr(Acked, 1)
			t.s.Allow(Older)
			t.get(a)
			t.c.Read(t.c.Reading(false), 0)
		},
		"read, never acknowledged and lost": func(t *script) {
			t.s.Dirty()
			a, b := t.set(Acked), t.set(Unknown)
			t.get(b)
			t.get(a)
			t.incr(Unknown, 0)
			t.c.Read(t.c.Reading(false), 1)
			t.c.Read(t.c.Reading(false), 0)
		},
		"lost where that is forgiven, and on from there": func(t *script) {
			a := t.set(Acked)
			t.set(Acked)
			e := t.push(Acked, 1)
			t.push(Acked, 2)
			t.incr(Acked, 1)
			t.incr(Acked, 2)
			t.s.Allow(Lossy)
			t.get(a)
			t.r.Audit(a, true)
			t.l.Audit([]string{e})
			t.c.Audit(1)
			t.s.Allow(Strict)
			t.get(a)
			t.incr(Acked, 2)
			t.tail(e, t.push(Acked, 2))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript()
			play(s)
			if v := s.h.Verdict(); v.Wrong != 0 {
				t.Errorf("%v", v.Violations)
			}
		})
	}
}

func TestWrongAnswersAreFound(t *testing.T) {
	for _, test := range []struct {
		name string
		want Kind
		play func(*script)
	}{
		{"another key's value", Foreign, func(t *script) { t.get(string(AppendValue(nil, "x", 1, 40))) }},
		{"half a value", Malformed, func(t *script) { v := t.set(Acked); t.get(v[:len(v)-1] + "?") }},
		{"not a value", Malformed, func(t *script) { t.get("OK") }},
		{"never written", Unwritten, func(t *script) { t.get(string(AppendValue(nil, "r", 2, 40))) }},
		{"old", Stale, func(t *script) { a := t.set(Acked); t.set(Acked); t.get(a) }},
		{"gone", Stale, func(t *script) { t.set(Acked); t.get("") }},
		{"older than read before", Stale, func(t *script) {
			a := t.set(Acked)
			_, b := t.r.Begin()
			t.get(b)
			t.get(a)
		}},
		{"failed and read", Undone, func(t *script) { t.get(t.set(Failed)) }},
		{"read and then failed", Undone, func(t *script) {
			n, value := t.r.Begin()
			t.get(value)
			t.r.End(n, Failed)
		}},
		{"failed, of a replica", Undone, func(t *script) { t.r.Read(t.r.Reading(true), t.set(Failed), true) }},
		{"failed, where loss is forgiven", Undone, func(t *script) { t.s.Allow(Lossy); t.get(t.set(Failed)) }},
		{"dropped", Lost, func(t *script) { a := t.set(Acked); t.set(Acked); t.r.Audit(a, true) }},
		{"stale after losses were forgiven", Stale, func(t *script) {
			t.s.Allow(Lossy)
			a := t.set(Acked)
			b := t.set(Acked)
			t.r.Audit(b, true)
			t.s.Allow(Strict)
			t.get(a)
		}},
		{"lost by a primary that was replaced", Lost, func(t *script) {
			t.s.Allow(Older)
			a := t.set(Acked)
			t.set(Acked)
			t.r.Audit(a, true)
		}},
		{"counted by a primary that was replaced", Stale, func(t *script) {
			t.s.Allow(Older)
			t.incr(Acked, 1)
			t.incr(Acked, 1)
		}},
		{"counted twice", Twice, func(t *script) { t.incr(Acked, 1); t.incr(Acked, 3) }},
		{"counted twice, seen by the audit", Twice, func(t *script) { t.incr(Acked, 1); t.c.Audit(2) }},
		{"counted twice after an audit with losses", Twice, func(t *script) {
			t.s.Allow(Lossy)
			t.incr(Acked, 1)
			t.incr(Acked, 2)
			t.c.Audit(0)
			t.s.Allow(Strict)
			t.incr(Acked, 2)
		}},
		{"not counted", Stale, func(t *script) { t.incr(Acked, 1); t.incr(Acked, 1) }},
		{"count read too low", Stale, func(t *script) { t.incr(Acked, 1); t.c.Read(t.c.Reading(false), 0) }},
		{"count lost", Lost, func(t *script) { t.incr(Acked, 1); t.c.Audit(0) }},
		{"pushed twice", Twice, func(t *script) { t.push(Acked, 2) }},
		{"pushed twice, read", Twice, func(t *script) { a := t.push(Acked, 1); t.tail(a, a) }},
		{"push dropped", Stale, func(t *script) { t.push(Acked, 1); t.push(Acked, 1) }},
		{"push not at the end", Stale, func(t *script) { a := t.push(Acked, 1); t.push(Acked, 2); t.tail(a) }},
		{"push missing amid", Lost, func(t *script) {
			a := t.push(Acked, 1)
			t.push(Acked, 2)
			t.tail(a, t.push(Acked, 3))
		}},
		{"push missing", Lost, func(t *script) { a := t.push(Acked, 1); t.push(Acked, 2); t.l.Audit([]string{a}) }},
		{"out of order", Disordered, func(t *script) {
			a := t.push(Acked, 1)
			t.tail(t.push(Acked, 2), a)
		}},
		{"failed push", Undone, func(t *script) { t.tail(t.push(Failed, 0)) }},
		{"another list's element", Foreign, func(t *script) { t.tail(string(AppendValue(nil, "x", 1, 24))) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newScript()
			test.play(s)
			v := s.h.Verdict()
			if v.Wrong != 1 || v.Violations[0].Kind != test.want {
				t.Errorf("%d violations %v, want one: %v", v.Wrong, v.Violations, test.want)
			}
		})
	}
}

func TestForgivenLossesAreCounted(t *testing.T) {
	s := newScript()
	s.s.Allow(Lossy)
	a := s.set(Acked)
	s.set(Acked)
	s.push(Acked, 1)
	e := s.push(Acked, 2)
	s.push(Acked, 3)
	for i := range int64(5) {
		s.incr(Acked, i+1)
	}
	s.r.Audit(a, true)
	s.l.Audit([]string{e})
	s.c.Audit(2)
	if v := s.h.Verdict(); v.Wrong != 0 || v.Lost != 1+2+3 {
		t.Errorf("wrong %v, lost %d, want 6", v.Violations, v.Lost)
	}
	// Each is counted once.
	s.r.Audit(a, true)
	s.l.Audit([]string{e})
	s.c.Audit(2)
	if v := s.h.Verdict(); v.Lost != 6 {
		t.Errorf("lost %d after a second audit, want 6", v.Lost)
	}
}

func TestValuesTellWhoseTheyAre(t *testing.T) {
	for _, size := range []int{0, 10, 100} {
		for _, key := range []string{"k", "a:b:c", ""} {
			value := string(AppendValue(nil, key, 42, size))
			if k, n, whole := ParseValue(value); k != key || n != 42 || !whole {
				t.Errorf("%q is %q, %d, %v", value, k, n, whole)
			}
			for i := range value {
				if spoilt := value[:i] + "\x00" + value[i+1:]; !spoils(spoilt, key) {
					t.Errorf("%q passes for write 42 of %q", spoilt, key)
				}
			}
		}
	}
}

func spoils(value, key string) bool {
	k, _, whole := ParseValue(value)
	return !whole || k != key
}

// One lost write shows in every later answer of a counter and a list; it is told once
// by an answer and once by the audit.
func TestOneLossIsToldOnce(t *testing.T) {
	s := newScript()
	s.incr(Acked, 1)
	for i := range int64(20) {
		s.incr(Acked, i+1)
		s.c.Read(s.c.Reading(false), i+1)
	}
	s.c.Audit(20)
	if v := s.h.Verdict(); v.Wrong != 2 {
		t.Errorf("a counter that lost one: %d wrong, want 2: %v", v.Wrong, v.Violations)
	}
	s = newScript()
	s.push(Acked, 1)
	var elements []string
	for i := range int64(20) {
		elements = append(elements, s.push(Acked, i+1))
		s.tail(elements...)
	}
	s.l.Audit(elements)
	if v := s.h.Verdict(); v.Wrong != 2 {
		t.Errorf("a list that lost one: %d wrong, want 2: %v", v.Wrong, v.Violations)
	}
}
