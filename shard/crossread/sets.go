package crossread

// union: the members of any reply.
func union(in *input) (result, error) {
	all, err := in.allMembers()
	if err != nil {
		return result{}, err
	}
	most := 0
	for _, members := range all {
		most = max(most, len(members))
	}
	seen := make(map[string]struct{}, most)
	r := result{kind: set}
	for _, members := range all {
		for _, m := range members {
			seen[text(m)] = struct{}{}
			if len(seen) > len(r.members) { // it is a new one
				r.members = append(r.members, member{name: m})
			}
		}
	}
	return r, nil
}

// intersect: the members that all replies have; for SINTERCARD and ZINTERCARD
// how many there are, up to the limit.
func intersect(in *input) (result, error) {
	all, err := in.allMembers()
	if err != nil {
		return result{}, err
	}
	base := all[0]
	for _, members := range all {
		if len(members) < len(base) {
			base = members
		}
	}
	found := make(map[string]int, len(base)) // in how many replies, from the first on
	for _, m := range base {
		found[text(m)] = 0
	}
	for i, members := range all {
		for _, m := range members {
			if n, ok := found[text(m)]; ok && n == i {
				found[text(m)] = i + 1
			}
		}
	}
	r := result{kind: set}
	if in.op.takes&limit != 0 {
		r.kind = integer
	}
	for _, m := range base {
		switch {
		case found[text(m)] != len(all):
		case r.kind == set:
			r.members = append(r.members, member{name: m})
		default:
			r.n++
			if r.n == in.opts.limit {
				return r, nil
			}
		}
	}
	return r, nil
}

// subtract: the members of the first reply that no other has, in its order,
// which is ZDIFF's own.
func subtract(in *input) (result, error) {
	r := result{kind: set}
	switch {
	case in.opts.scores:
		r.kind = scored
	case in.op.counted:
		r.kind = list
	}
	from, err := in.minuend()
	if err != nil {
		return r, err
	}
	left := make(map[string]struct{}, len(from))
	for _, m := range from {
		left[text(m.name)] = struct{}{}
	}
	for i := 1; i < len(in.Requests); i++ {
		members, err := in.members(i)
		if err != nil {
			return r, err
		}
		for _, m := range members {
			delete(left, text(m))
		}
	}
	for _, m := range from {
		if _, ok := left[text(m.name)]; ok {
			r.members = append(r.members, m)
		}
	}
	return r, nil
}

// minuend returns the first reply of a difference.
func (in *input) minuend() ([]member, error) {
	if in.opts.scores {
		return in.scored(0)
	}
	names, err := in.members(0)
	members := make([]member, len(names))
	for i, name := range names {
		members[i].name = name
	}
	return members, err
}
