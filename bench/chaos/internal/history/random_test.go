package history

import (
	"math/rand/v2"
	"testing"
)

// store is a server that is right, whose writers are not always told what happened.
// Unknown writes wait in late, where they may be executed at any time, or never.
type store struct {
	value string
	count int64
	list  []string
	late  []func()
}

// TestARightStoreIsNeverWrong plays a right store with writes that fail, hang and are
// executed late, and a replica that is behind; nothing of it may be found wrong.
func TestARightStoreIsNeverWrong(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 0))
		s, p := newScript(), &store{}
		replica := *p
		for range 200 {
			play(random, s, p)
			if random.IntN(4) == 0 {
				replica = store{value: p.value, count: p.count, list: append([]string(nil), p.list...)}
			}
			read(s, &replica, true)
			if random.IntN(50) == 0 {
				s.r.Audit(p.value, p.value != "")
				s.c.Audit(p.count)
				s.l.Audit(p.list)
			}
		}
		if v := s.h.Verdict(); v.Wrong != 0 {
			t.Fatalf("seed %d: %v", seed, v.Violations)
		}
	}
}

func play(random *rand.Rand, s *script, p *store) {
	o := Outcome(random.IntN(3))
	switch random.IntN(6) {
	case 0:
		n, value := s.r.Begin()
		p.do(random, o, func() { p.value = value })
		s.r.End(n, o)
	case 1:
		before := s.c.Begin()
		p.do(random, o, func() { p.count++ })
		s.c.End(before, o, p.count)
	case 2:
		n, element := s.l.Begin()
		p.do(random, o, func() { p.list = append(p.list, element) })
		s.l.End(n, o, int64(len(p.list)))
	case 3:
		if len(p.late) > 0 {
			i := random.IntN(len(p.late))
			p.late[i]()
			p.late = append(p.late[:i], p.late[i+1:]...)
		}
	default:
		read(s, p, false)
	}
}

func (p *store) do(random *rand.Rand, o Outcome, execute func()) {
	switch {
	case o == Acked, o == Unknown && random.IntN(2) == 0:
		execute()
	case o == Unknown:
		p.late = append(p.late, execute)
	}
}

func read(s *script, p *store, old bool) {
	s.r.Read(s.r.Reading(old), p.value, p.value != "")
	s.c.Read(s.c.Reading(old), p.count)
	s.l.Read(s.l.Reading(old), p.list[max(0, len(p.list)-5):])
}
