package crossread

import (
	"bytes"
	"math"
	"strconv"
)

// parseDouble reads a weight as Redis's string2d does, which is C's strtod less
// white space and NaN. ParseFloat differs from strtod in three ways: it wants an
// exponent behind hexadecimal digits, lets _ stand between them, and takes a
// number that is too small for 0.
func parseDouble(s []byte) (float64, bool) {
	digits := bytes.ToLower(bytes.TrimLeft(s, "+-"))
	mantissa, end := digits, byte('e')
	nonzero := "123456789"
	if hex, ok := bytes.CutPrefix(digits, []byte("0x")); ok {
		mantissa, end = hex, 'p'
		nonzero += "abcdef"
		if bytes.IndexByte(hex, 'p') < 0 {
			s = append(bytes.Clone(s), "p0"...)
		}
	}
	if bytes.IndexByte(s, '_') >= 0 {
		return 0, false
	}
	v, err := strconv.ParseFloat(string(s), 64)
	if err != nil || math.IsNaN(v) {
		return 0, false
	}
	if v == 0 {
		if i := bytes.IndexByte(mantissa, end); i >= 0 {
			mantissa = mantissa[:i]
		}
		return v, !bytes.ContainsAny(mantissa, nonzero)
	}
	return v, true
}

// appendDouble writes a score as addReplyDouble does: %.17g.
func appendDouble(dst []byte, v float64) []byte {
	switch {
	case math.IsInf(v, 1):
		return append(dst, "inf"...)
	case math.IsInf(v, -1):
		return append(dst, "-inf"...)
	}
	return strconv.AppendFloat(dst, v, 'g', 17, 64)
}
