package memcache

// appendKey64 decodes a key of a meta command with the flag b as memcached does, which
// skips what is not base64. ok is false where memcached refuses the key.
func appendKey64(dst, src []byte) (key []byte, ok bool) {
	n := 0
	for _, c := range src {
		if value64(c) >= 0 {
			n++
		}
	}
	if n == 0 || n%4 != 0 {
		return dst, false
	}
	var block [4]byte
	i, pad := 0, 0
	for _, c := range src {
		v := value64(c)
		if v < 0 {
			continue
		}
		if c == '=' {
			pad++
		}
		block[i] = byte(v)
		if i++; i < 4 {
			continue
		}
		i = 0
		dst = append(dst, block[0]<<2|block[1]>>4, block[1]<<4|block[2]>>2, block[2]<<6|block[3])
		if pad > 2 {
			return dst, false
		}
		if pad > 0 {
			return dst[:len(dst)-pad], true
		}
	}
	return dst, true
}

// value64 returns the six bits that a character stands for, 0 for '=', -1 for others.
func value64(c byte) int {
	switch {
	case c >= 'A' && c <= 'Z':
		return int(c - 'A')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 26
	case c >= '0' && c <= '9':
		return int(c-'0') + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	case c == '=':
		return 0
	}
	return -1
}
