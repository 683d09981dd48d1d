package ring

import (
	"crypto/md5"
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// The twelve hashes of twemproxy 0.5 (src/hashkit), as the original computes
// them on amd64, where char is signed: in some of them a byte from 0x80 up
// counts as its value minus 256. None of them is asked for the empty key,
// which twemproxy gives the hash 0.

// signed widens a byte as C widens a signed char.
func signed(b byte) uint32 { return uint32(int32(int8(b))) }

// oneAtATime is Bob Jenkins's one-at-a-time, over signed bytes.
func oneAtATime(key []byte) uint32 {
	var h uint32
	for _, b := range key {
		h += signed(b)
		h += h << 10
		h ^= h >> 6
	}
	h += h << 3
	h ^= h >> 11
	h += h << 15
	return h
}

// md5First is the first four bytes of the MD5 sum, little endian. Jedis and
// twemproxy agree on it.
func md5First(key []byte) uint32 {
	sum := md5.Sum(key)
	return binary.LittleEndian.Uint32(sum[:4])
}

// crc16Table is the table of the XMODEM polynomial 0x1021; read only.
var crc16Table = func() (table [256]uint32) {
	for i := range table {
		crc := uint32(i) << 8
		for range 8 {
			if crc <<= 1; crc&0x10000 != 0 {
				crc ^= 0x1021
			}
		}
		table[i] = crc & 0xffff
	}
	return table
}()

// crc16 is CRC16/XMODEM in its low 16 bits, which is what Redis Cluster's
// slots need. The accumulator is never cut to 16 bits, so what is shifted out
// of them stays above; twemproxy uses all 32.
func crc16(key []byte) uint32 {
	var crc uint32
	for _, b := range key {
		crc = crc<<8 ^ crc16Table[byte(crc>>8)^b]
	}
	return crc
}

// crc32Upper is the 15 bits that libmemcached keeps of a CRC-32.
func crc32Upper(key []byte) uint32 { return crc32.ChecksumIEEE(key) >> 16 & 0x7fff }

// crc32IEEE is zlib's CRC-32, whole.
func crc32IEEE(key []byte) uint32 { return crc32.ChecksumIEEE(key) }

const (
	fnv32Start = 0x811c9dc5
	fnv32Prime = 0x01000193

	// The low halves of FNV's 64-bit constants. The low 32 bits of a product
	// need no more, so both 64-bit hashes are computed in 32 bits.
	fnv64Start = 0x84222325
	fnv64Prime = 0x000001b3
)

// fnv64 is the low half of FNV-1 64-bit, over signed bytes.
func fnv64(key []byte) uint32 {
	h := uint32(fnv64Start)
	for _, b := range key {
		h *= fnv64Prime
		h ^= signed(b)
	}
	return h
}

// fnv64a is the low half of FNV-1a 64-bit, over signed bytes.
func fnv64a(key []byte) uint32 {
	h := uint32(fnv64Start)
	for _, b := range key {
		h ^= signed(b)
		h *= fnv64Prime
	}
	return h
}

// fnv32 is FNV-1 32-bit, over signed bytes.
func fnv32(key []byte) uint32 {
	h := uint32(fnv32Start)
	for _, b := range key {
		h *= fnv32Prime
		h ^= signed(b)
	}
	return h
}

// fnv32a is FNV-1a 32-bit, over signed bytes.
func fnv32a(key []byte) uint32 {
	h := uint32(fnv32Start)
	for _, b := range key {
		h ^= signed(b)
		h *= fnv32Prime
	}
	return h
}

// hsieh is Paul Hsieh's SuperFastHash, started at 0 and not at the length.
// Only the last byte of a three-byte tail is signed.
func hsieh(key []byte) uint32 {
	var h uint32
	for ; len(key) >= 4; key = key[4:] {
		h += uint32(binary.LittleEndian.Uint16(key))
		h = h<<16 ^ uint32(binary.LittleEndian.Uint16(key[2:]))<<11 ^ h
		h += h >> 11
	}
	switch len(key) {
	case 3:
		h += uint32(binary.LittleEndian.Uint16(key))
		h ^= h << 16
		h ^= signed(key[2]) << 18
		h += h >> 11
	case 2:
		h += uint32(binary.LittleEndian.Uint16(key))
		h ^= h << 11
		h += h >> 17
	case 1:
		h += uint32(key[0])
		h ^= h << 10
		h += h >> 1
	}
	h ^= h << 3
	h += h >> 5
	h ^= h << 4
	h += h >> 17
	h ^= h << 25
	h += h >> 6
	return h
}

// murmur is Austin Appleby's MurmurHash2, 32-bit, seeded from the length.
func murmur(key []byte) uint32 {
	const m = 0x5bd1e995
	n := uint32(len(key))
	h := 0xdeadbeef*n ^ n
	for ; len(key) >= 4; key = key[4:] {
		k := binary.LittleEndian.Uint32(key) * m
		k ^= k >> 24
		h = h*m ^ k*m
	}
	if len(key) > 0 {
		h ^= tail32(key)
		h *= m
	}
	h ^= h >> 13
	h *= m
	h ^= h >> 15
	return h
}

// jenkins is Bob Jenkins's lookup3, hashlittle with the start value 13.
func jenkins(key []byte) uint32 {
	a := 0xdeadbeef + uint32(len(key)) + 13
	b, c := a, a
	for ; len(key) > 12; key = key[12:] {
		a += binary.LittleEndian.Uint32(key)
		b += binary.LittleEndian.Uint32(key[4:])
		c += binary.LittleEndian.Uint32(key[8:])
		a = (a - c) ^ bits.RotateLeft32(c, 4)
		c += b
		b = (b - a) ^ bits.RotateLeft32(a, 6)
		a += c
		c = (c - b) ^ bits.RotateLeft32(b, 8)
		b += a
		a = (a - c) ^ bits.RotateLeft32(c, 16)
		c += b
		b = (b - a) ^ bits.RotateLeft32(a, 19)
		a += c
		c = (c - b) ^ bits.RotateLeft32(b, 4)
		b += a
	}
	n := len(key)
	a += tail32(key[:min(n, 4)])
	b += tail32(key[min(n, 4):min(n, 8)])
	c += tail32(key[min(n, 8):])
	c = (c ^ b) - bits.RotateLeft32(b, 14)
	a = (a ^ c) - bits.RotateLeft32(c, 11)
	b = (b ^ a) - bits.RotateLeft32(a, 25)
	c = (c ^ b) - bits.RotateLeft32(b, 16)
	a = (a ^ c) - bits.RotateLeft32(c, 4)
	b = (b ^ a) - bits.RotateLeft32(a, 14)
	c = (c ^ b) - bits.RotateLeft32(b, 24)
	return c
}

// tail32 reads up to four bytes as a little-endian number.
func tail32(p []byte) uint32 {
	var v uint32
	for i, b := range p {
		v |= uint32(b) << (8 * i)
	}
	return v
}
