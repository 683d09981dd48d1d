package command

import "strconv"

// The few RESP2 encoders that the replies of this package need.

func appendArray(dst []byte, n int) []byte { return appendNumber(dst, '*', int64(n)) }

func appendInteger(dst []byte, n int) []byte { return appendNumber(dst, ':', int64(n)) }

func appendNumber(dst []byte, kind byte, n int64) []byte {
	dst = append(dst, kind)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, "\r\n"...)
}

func appendBulk[T string | []byte](dst []byte, s T) []byte {
	dst = appendNumber(dst, '$', int64(len(s)))
	dst = append(dst, s...)
	return append(dst, "\r\n"...)
}

func appendSimple(dst []byte, s string) []byte {
	dst = append(dst, '+')
	dst = append(dst, s...)
	return append(dst, "\r\n"...)
}

func appendError(dst []byte, e Error) []byte {
	dst = append(dst, '-')
	dst = append(dst, e...)
	return append(dst, "\r\n"...)
}

func appendNull(dst []byte) []byte { return append(dst, "$-1\r\n"...) }
