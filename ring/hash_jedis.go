package ring

import "encoding/binary"

// murmur64A is MurmurHash64A, the 64-bit MurmurHash2, with the seed of Jedis
// (redis.clients.jedis.util.MurmurHash). Jedis has it in a long and compares
// it signed, the ring unsigned: that begins the same circle at another place
// and changes no owner.
func murmur64A(key []byte) uint64 {
	const (
		seed = 0x1234ABCD
		m    = 0xc6a4a7935bd1e995
		r    = 47
	)
	h := seed ^ uint64(len(key))*m
	for ; len(key) >= 8; key = key[8:] {
		k := binary.LittleEndian.Uint64(key) * m
		k ^= k >> r
		h = (h ^ k*m) * m
	}
	if len(key) > 0 {
		var k uint64
		for i, b := range key {
			k |= uint64(b) << (8 * i)
		}
		h = (h ^ k) * m
	}
	h ^= h >> r
	h *= m
	h ^= h >> r
	return h
}
