package crossread

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/shardring/shardring/shard/command"
)

// keys is how many keys a world has, half of them of one type.
const keys = 48

func (w *world) key(i int) string { return fmt.Sprintf("k:%02d%c", i, 'a'+i%shards) }

// kindOf keeps most keys of a type, so that most commands have a result.
func (w *world) kindOf(i int) string {
	if w.IntN(12) == 0 {
		return pick(w.Rand, "set", "zset", "hll", "string", "list", "none", "broken")
	}
	return []string{"set", "zset", "hll"}[i%3]
}

// fill gives a key a new value.
func (w *world) fill(i int) {
	key := w.key(i)
	args := []string{"", key}
	w.write([]byte(key), "DEL", key)
	switch w.kindOf(i) {
	case "none":
		return
	case "set":
		args[0] = "SADD"
		for range w.size() {
			args = append(args, w.member())
		}
	case "zset":
		args[0] = "ZADD"
		for range w.size() {
			args = append(args, w.score(), w.member())
		}
	case "hll":
		args[0] = "PFADD"
		for range w.size() * pick(w.Rand, 1, 1, 20, 200) {
			args = append(args, strconv.Itoa(w.IntN(5000)))
		}
	case "string":
		args = []string{"SET", key, pick(w.Rand, "", "text", "12345678901234567", "HYLL", "HYLL and sixteen bytes")}
	case "list":
		args = []string{"RPUSH", key, "x"}
	case "broken":
		header := "HYLL" + string(rune(w.IntN(3))) + "\x00\x00\x00" + strings.Repeat("\x00", 8)
		args = []string{"SET", key, header + pick(w.Rand, "", "\x7f\xff", strings.Repeat("\x00", 256), strings.Repeat("\x83", 4096), strings.Repeat("\x83", 4097), strings.Repeat("z", 12288))}
	}
	w.write([]byte(key), args...)
}

// size of a value: small ones are often equal, large ones have the encodings of
// large values.
func (w *world) size() int { return pick(w.Rand, 1, 1+w.IntN(4), 1+w.IntN(12), 1+w.IntN(12), 150) }

func (w *world) member() string {
	switch w.IntN(6) {
	case 0:
		return strconv.Itoa(w.IntN(20) - 5) // integers have an encoding of their own
	case 1:
		return strings.Repeat("long", 20) + strconv.Itoa(w.IntN(5))
	case 2:
		return string([]byte{byte(w.IntN(256)), byte(w.IntN(3))})
	}
	return string(rune('a' + w.IntN(12)))
}

func (w *world) score() string {
	switch w.IntN(8) {
	case 0:
		return pick(w.Rand, "inf", "-inf", "0", "-0", "1e16", "-1e16", "1.7976931348623157e308", "5e-324", "1e17", "123456789012345680")
	case 1:
		return strconv.Itoa(w.IntN(7) - 3)
	case 2:
		if v := math.Float64frombits(w.Uint64()); v == v {
			return strconv.FormatFloat(v, 'g', -1, 64)
		}
	}
	return strconv.FormatFloat(float64(w.IntN(2000)-1000)/pick(w.Rand, 10, 3, 1e9), 'g', -1, 64)
}

// request makes a request of one of the commands.
func (w *world) request() command.Slices {
	name := operations[w.IntN(len(operations))].name
	args := []string{name}
	if w.IntN(8) == 0 {
		args[0] = strings.ToUpper(name)
	}
	n := 1 + w.IntN(6)
	switch name {
	case "sunion", "sinter", "sdiff":
		return slicesOf(append(args, w.keys(n, 0)...)...)
	case "pfcount":
		return slicesOf(append(args, w.keys(n+1, 2)...)...) // of one key, its cache is the reply
	case "sintercard":
		args = append(append(args, w.number(n)), w.keys(n, 0)...)
	default:
		args = append(append(args, w.number(n)), w.keys(n, 1)...)
	}
	for range pick(w.Rand, 0, 1, 1, 2) {
		args = append(args, w.option(name, n)...)
	}
	return slicesOf(args...)
}

func slicesOf(args ...string) command.Slices {
	request := make(command.Slices, len(args))
	for i, arg := range args {
		request[i] = []byte(arg)
	}
	return request
}

// keys returns n keys, most of them of the kind that is wanted.
func (w *world) keys(n, kind int) []string {
	all := make([]string, n)
	for i := range all {
		k := w.IntN(keys/3)*3 + kind
		if kind == 1 && w.IntN(4) == 0 {
			k-- // a set among sorted sets
		}
		all[i] = w.key(k)
		if w.IntN(80) == 0 {
			all[i] = w.key(w.IntN(keys))
		}
	}
	return all
}

func (w *world) number(n int) string {
	if w.IntN(40) == 0 {
		return pick(w.Rand, "0", "-1", "x", "99", "007")
	}
	return strconv.Itoa(n)
}

// option returns an option, now and then one that the command does not take.
func (w *world) option(name string, n int) []string {
	if w.IntN(25) == 0 {
		return pick(w.Rand, []string{"nonsense"}, []string{"WEIGHTS", "1"}, []string{"AGGREGATE", "avg"}, []string{"LIMIT", "-1"}, []string{"LIMIT"}, []string{"withscores"}, []string{"sum\x00x"})
	}
	switch name {
	case "sintercard", "zintercard":
		return []string{pick(w.Rand, "LIMIT", "limit"), strconv.Itoa(w.IntN(4))}
	case "zdiff":
		return []string{"WITHSCORES"}
	}
	switch w.IntN(3) {
	case 0:
		args := []string{"WEIGHTS"}
		for range n {
			args = append(args, pick(w.Rand, "1", "2", "0", "-1", "0.1", "inf", "-inf", "1e308", "0x1p-1", "1e-3"))
		}
		if w.IntN(30) == 0 {
			args[1] = "heavy"
		}
		return args
	case 1:
		return []string{"aggregate", pick(w.Rand, "sum", "min", "MAX")}
	}
	return []string{"withScores"}
}

func pick[T any](r *rand.Rand, all ...T) T { return all[r.IntN(len(all))] }
