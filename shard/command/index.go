package command

// index finds a command by its name: a hash table with open addressing, a
// quarter full at most, that mixes the name's length and four of its bytes. It
// costs about a third of what a Go map costs after lower-casing the name.
type index struct {
	slots []*Command // a power of two of them
	shift uint8      // 32 - log2(len(slots))
}

func newIndex(commands []*Command) index {
	ix := index{slots: make([]*Command, 4), shift: 30}
	for len(ix.slots) < 4*len(commands) {
		ix = index{slots: make([]*Command, 2*len(ix.slots)), shift: ix.shift - 1}
	}
	for _, cmd := range commands {
		i := ix.first([]byte(cmd.Name))
		for ix.slots[i] != nil {
			i = ix.next(i)
		}
		ix.slots[i] = cmd
	}
	return ix
}

func (ix *index) find(name []byte) *Command {
	if len(name) == 0 {
		return nil
	}
	for i := ix.first(name); ; i = ix.next(i) {
		cmd := ix.slots[i]
		if cmd == nil || equalFold(name, cmd.Name) {
			return cmd
		}
	}
}

// first returns the slot where the search for a name begins. Setting bit 5 of a
// byte makes letters lower case; what it does to other bytes does no harm, since
// find compares the names. Of the mixes tried, these bytes with this multiplier
// (murmur3's) put Redis's names at most two slots from their first one.
func (ix *index) first(name []byte) uint32 {
	n := len(name)
	h := uint32(name[0]|0x20) | uint32(name[n>>2]|0x20)<<8 | uint32(name[n>>1]|0x20)<<16 | uint32(name[n*3>>2]|0x20)<<24
	h ^= uint32(n) << 5
	return h * 0x85ebca6b >> ix.shift
}

func (ix *index) next(i uint32) uint32 { return (i + 1) & uint32(len(ix.slots)-1) }

// equalFold reports whether name is lower but for the case of ASCII letters.
// lower must be in lower case.
func equalFold(name []byte, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i, b := range name {
		if b != lower[i] && lowerByte(b) != lower[i] {
			return false
		}
	}
	return true
}

func lowerByte(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b | 0x20
	}
	return b
}
