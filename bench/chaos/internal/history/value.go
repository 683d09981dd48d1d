package history

import (
	"strconv"
	"strings"
)

// AppendValue appends what write n of a key writes: key, number and a filling that
// depends on both, size bytes if the first two leave room.
func AppendValue(dst []byte, key string, n uint64, size int) []byte {
	begin := len(dst)
	dst = append(dst, key...)
	dst = append(dst, '|')
	dst = strconv.AppendUint(dst, n, 10)
	dst = append(dst, '|')
	for i := uint64(len(key)); len(dst)-begin < size; i++ {
		dst = append(dst, 'a'+byte((n*7+i)%26))
	}
	return dst
}

// ParseValue returns the key and the number of a value, whole is false if it is not
// what AppendValue wrote of them, to the last byte.
func ParseValue(value string) (key string, n uint64, whole bool) {
	key, rest, ok := strings.Cut(value, "|")
	number, _, closed := strings.Cut(rest, "|")
	n, err := strconv.ParseUint(number, 10, 64)
	if !ok || !closed || err != nil {
		return "", 0, false
	}
	return key, n, string(AppendValue(nil, key, n, len(value))) == value
}
