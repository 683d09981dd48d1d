package audit

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Types of a value in a DUMP whose elements are in the order of a hash table,
// which differs from server to server (rdb.h).
const (
	typeSet  = 2
	typeHash = 4
)

// footer is the version of the format and a checksum behind a DUMP.
const footer = 2 + 8

// canonical is a DUMP in a form that is the same for the same value: without the
// footer, and with the elements of hash tables sorted. Values that two servers
// encode in different ways, by their settings or versions, have different ones,
// so equal is certain and different is not.
func canonical(dump []byte) []byte {
	if len(dump) <= footer {
		return dump
	}
	body := dump[:len(dump)-footer]
	strings := 0 // of each element
	switch body[0] {
	case typeSet:
		strings = 1
	case typeHash:
		strings = 2
	default:
		return body
	}
	n, rest, ok := rdbLength(body[1:])
	if !ok {
		return body
	}
	var elements [][]byte
	for range n {
		from := rest
		for range strings {
			if rest, ok = skipString(rest); !ok {
				return body
			}
		}
		elements = append(elements, from[:len(from)-len(rest)])
	}
	if len(rest) > 0 {
		return body
	}
	slices.SortFunc(elements, bytes.Compare)
	sorted := append(make([]byte, 0, len(body)), body[:len(body)-elementBytes(elements)]...)
	for _, e := range elements {
		sorted = append(sorted, e...)
	}
	return sorted
}

func elementBytes(elements [][]byte) (n int) {
	for _, e := range elements {
		n += len(e)
	}
	return n
}

// Leading bits of a length, and lengths of two kinds that stand in one byte.
const (
	length6   = 0 // the next 6 bits
	length14  = 1 // the next 14
	length32  = 0x80
	length64  = 0x81
	special   = 3 // of a string: an integer, or compressed; the kind is in the next 6 bits
	kindInt8  = 0
	kindInt16 = 1
	kindInt32 = 2
	kindLZF   = 3 // compressed length, length, bytes
)

// rdbLength reads a length and returns what is behind it.
func rdbLength(b []byte) (n uint64, rest []byte, ok bool) {
	switch {
	case len(b) >= 1 && b[0]>>6 == length6:
		return uint64(b[0] & 0x3f), b[1:], true
	case len(b) >= 2 && b[0]>>6 == length14:
		return uint64(b[0]&0x3f)<<8 | uint64(b[1]), b[2:], true
	case len(b) >= 5 && b[0] == length32:
		return uint64(binary.BigEndian.Uint32(b[1:])), b[5:], true
	case len(b) >= 9 && b[0] == length64:
		return binary.BigEndian.Uint64(b[1:]), b[9:], true
	}
	return 0, nil, false
}

// skipString returns what is behind a string.
func skipString(b []byte) ([]byte, bool) {
	if len(b) == 0 {
		return nil, false
	}
	n, rest, ok := uint64(0), b[1:], true
	switch b[0] {
	case special<<6 | kindInt8:
		n = 1
	case special<<6 | kindInt16:
		n = 2
	case special<<6 | kindInt32:
		n = 4
	case special<<6 | kindLZF:
		if n, rest, ok = rdbLength(rest); ok {
			_, rest, ok = rdbLength(rest)
		}
	default:
		n, rest, ok = rdbLength(b)
	}
	if !ok || n > uint64(len(rest)) {
		return nil, false
	}
	return rest[n:], true
}
