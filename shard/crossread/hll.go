package crossread

import (
	"math"

	"github.com/shardring/shardring/shard/command"
)

// HyperLogLog as Redis's hyperloglog.c stores it: 2^14 registers of 6 bits behind
// a header of 16 bytes, which begins with HYLL and the encoding.
const (
	registers  = 1 << 14
	maxRank    = 64 - 14 // the greatest value of a register, but for one after it
	hllHeader  = 16
	denseBytes = hllHeader + registers*6/8

	dense  = 0
	sparse = 1
)

// Error replies of hyperloglog.c.
const (
	notHLL     command.Error = "WRONGTYPE Key is not a valid HyperLogLog string value."
	corruptHLL command.Error = "INVALIDOBJ Corrupted HLL object detected"
)

// hll is the registers of the union of HyperLogLogs.
type hll [registers]uint8

// countUnion is PFCOUNT. A key that does not exist counts nothing.
func countUnion(in *input) (result, error) {
	var h hll
	for i := range in.Requests {
		r, err := in.reply(i, bulk, null)
		if err != nil {
			return result{}, err
		}
		if r.kind == null {
			continue
		}
		if err := h.merge(r.text); err != nil {
			return result{}, err
		}
	}
	return result{kind: integer, n: h.count()}, nil
}

// merge takes the greater of each register and that of a stored HyperLogLog.
// The checks are those of isHLLObjectOrReply and hllMerge, the error Redis's.
func (h *hll) merge(s []byte) error {
	if len(s) < hllHeader || string(s[:4]) != "HYLL" || s[4] > sparse || s[4] == dense && len(s) != denseBytes {
		return refuse(string(notHLL))
	}
	if s[4] == dense {
		h.mergeDense(s[hllHeader:])
		return nil
	}
	if !h.mergeSparse(s[hllHeader:]) {
		return refuse(string(corruptHLL))
	}
	return nil
}

// mergeDense reads registers that follow each other from the lowest bit of the
// first byte on: four of them in three bytes.
func (h *hll) mergeDense(s []byte) {
	for i := 0; i < registers; i, s = i+4, s[3:] {
		bits := uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16
		for j := range 4 {
			h[i+j] = max(h[i+j], uint8(bits>>(6*j)&63))
		}
	}
}

// mergeSparse reads runs of equal registers, and reports whether they are as
// many as there have to be:
//
//	00nnnnnn           n+1 registers of 0
//	01nnnnnn nnnnnnnn  n+1 registers of 0
//	1vvvvvnn           n+1 registers of v+1
func (h *hll) mergeSparse(s []byte) bool {
	i := 0
	for ; len(s) > 0; s = s[1:] {
		switch op := s[0]; {
		case op < 0x40:
			i += int(op) + 1
		case op < 0x80:
			n := int(op&0x3f) << 8
			if len(s) > 1 { // Redis's strings end with a zero byte, which it reads
				s = s[1:]
				n |= int(s[0])
			}
			i += n + 1
		default:
			n := int(op&3) + 1
			if i+n > registers {
				return false
			}
			for ; n > 0; n, i = n-1, i+1 {
				h[i] = max(h[i], op>>2&31+1)
			}
		}
	}
	return i == registers
}

// count is hllCount: the estimate of Otmar Ertl, "New cardinality estimation
// algorithms for HyperLogLog sketches", arXiv:1702.01284.
func (h *hll) count() int64 {
	var histogram [64]int
	for _, r := range h {
		histogram[r]++
	}
	const m = float64(registers)
	z := m * tau((m-float64(histogram[maxRank+1]))/m)
	for k := maxRank; k >= 1; k-- {
		z = 0.5 * (z + float64(histogram[k]))
	}
	z += float64(m * sigma(float64(histogram[0])/m))
	const alpha = 0.721347520444481703680 // 0.5/ln(2)
	estimate := math.Round(alpha * m * m / z)
	if estimate >= 1<<63 {
		return math.MinInt64 // what llroundl makes of it
	}
	return int64(estimate)
}

// sigma and tau are the paper's series. Conversions to float64 keep a compiler
// from fusing a multiplication and an addition.
func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	for y, z := 1.0, x; ; y += y {
		x *= x
		before := z
		z += float64(x * y)
		if z == before {
			return z
		}
	}
}

func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	for y, z := 0.5, 1-x; ; y *= 0.5 {
		x = math.Sqrt(x)
		before := z
		z -= float64((1 - x) * (1 - x) * y)
		if z == before {
			return z / 3
		}
	}
}
