package resp

import "strconv"

// AppendArray appends the header of an array of n elements.
func AppendArray(dst []byte, n int) []byte { return appendHeader(dst, '*', int64(n)) }

// AppendBulk appends a bulk string.
func AppendBulk[T ~string | ~[]byte](dst []byte, s T) []byte {
	dst = appendHeader(dst, '$', int64(len(s)))
	dst = append(dst, s...)
	return append(dst, '\r', '\n')
}

// AppendInt appends an integer reply.
func AppendInt(dst []byte, v int64) []byte { return appendHeader(dst, ':', v) }

// AppendSimple appends a simple string; s holds no CR and no LF.
func AppendSimple(dst []byte, s string) []byte {
	dst = append(dst, '+')
	dst = append(dst, s...)
	return append(dst, '\r', '\n')
}

// AppendError appends an error reply. The text is made one line: control
// bytes become spaces.
func AppendError(dst []byte, text string) []byte {
	dst = append(dst, '-')
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c < ' ' {
			c = ' '
		}
		dst = append(dst, c)
	}
	return append(dst, '\r', '\n')
}

// AppendNull appends RESP2's null bulk string.
func AppendNull(dst []byte) []byte { return append(dst, "$-1\r\n"...) }

// AppendNullArray appends RESP2's null array.
func AppendNullArray(dst []byte) []byte { return append(dst, "*-1\r\n"...) }

// AppendMap appends the header of a RESP3 map of n pairs.
func AppendMap(dst []byte, n int) []byte { return appendHeader(dst, '%', int64(n)) }

// AppendSet appends the header of a RESP3 set of n elements.
func AppendSet(dst []byte, n int) []byte { return appendHeader(dst, '~', int64(n)) }

// AppendPush appends the header of a RESP3 push of n elements.
func AppendPush(dst []byte, n int) []byte { return appendHeader(dst, '>', int64(n)) }

// AppendVerbatim appends the header of a RESP3 verbatim string of plain text of n
// bytes; the bytes and CRLF follow.
func AppendVerbatim(dst []byte, n int) []byte {
	return append(appendHeader(dst, '=', int64(n)+4), "txt:"...)
}

// AppendRequest appends a request of these arguments.
func AppendRequest(dst []byte, args ...string) []byte {
	dst = AppendArray(dst, len(args))
	for _, a := range args {
		dst = AppendBulk(dst, a)
	}
	return dst
}

func appendHeader(dst []byte, typ byte, n int64) []byte {
	dst = append(dst, typ)
	if n >= 0 && n <= 9 {
		return append(dst, '0'+byte(n), '\r', '\n')
	}
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, '\r', '\n')
}
