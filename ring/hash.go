package ring

// A Hash is the name of a hash function, as in nutcracker.yml. The zero value
// means the placement's default, the first of [Placement.Hashes].
type Hash string

const (
	HashMurmur3   Hash = "murmur3"   // MurmurHash3 x64 128, first 64 bits; of Murmur3
	HashMurmur64A Hash = "murmur64a" // MurmurHash2 64-bit; of Jedis
	HashMD5       Hash = "md5"       // first four bytes, little endian; of Jedis and twemproxy

	// The other eleven of twemproxy; each gives 32 bits, HashCRC32 only 15.
	HashOneAtATime Hash = "one_at_a_time"
	HashCRC16      Hash = "crc16"
	HashCRC32      Hash = "crc32"
	HashCRC32A     Hash = "crc32a"
	HashFNV64      Hash = "fnv1_64"
	HashFNV64A     Hash = "fnv1a_64"
	HashFNV32      Hash = "fnv1_32"
	HashFNV32A     Hash = "fnv1a_32"
	HashHsieh      Hash = "hsieh"
	HashMurmur     Hash = "murmur"
	HashJenkins    Hash = "jenkins"
)

// Hashes lists every hash of every placement.
func Hashes() []Hash {
	return append([]Hash{HashMurmur3, HashMurmur64A}, twemproxyHashes()...)
}

// twemproxyHashes lists the twelve, nutcracker's default first.
func twemproxyHashes() []Hash {
	return []Hash{HashFNV64A, HashOneAtATime, HashMD5, HashCRC16, HashCRC32, HashCRC32A,
		HashFNV64, HashFNV32, HashFNV32A, HashHsieh, HashMurmur, HashJenkins}
}

// bits is the width of the hash's values.
func (h Hash) bits() uint {
	switch h {
	case HashMurmur3, HashMurmur64A:
		return 64
	case HashCRC32:
		return 15
	}
	return 32
}

// last is the greatest value of the hash.
func (h Hash) last() uint64 { return 1<<h.bits() - 1 }

// sum32 is the function behind a 32-bit hash, nil for the 64-bit ones.
func (h Hash) sum32() func([]byte) uint32 {
	switch h {
	case HashOneAtATime:
		return oneAtATime
	case HashMD5:
		return md5First
	case HashCRC16:
		return crc16
	case HashCRC32:
		return crc32Upper
	case HashCRC32A:
		return crc32IEEE
	case HashFNV64:
		return fnv64
	case HashFNV64A:
		return fnv64a
	case HashFNV32:
		return fnv32
	case HashFNV32A:
		return fnv32a
	case HashHsieh:
		return hsieh
	case HashMurmur:
		return murmur
	case HashJenkins:
		return jenkins
	}
	return nil
}
