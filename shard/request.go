package shard

import (
	"fmt"
	"strconv"
	"unsafe"

	"github.com/gomodule/redigo/redis"
)

// request is one command as redigo takes it, readable as command.Args. Its
// arguments are plain. It is reused; nothing keeps it.
type request struct {
	cmd  string
	args []any
	keys []int // scratch for positions of keys
}

func (r *request) Len() int { return 1 + len(r.args) }

// At returns argument i as the bytes that redigo will send. They are a view
// for strings and byte slices: read only, and only while the call lasts.
func (r *request) At(i int) []byte {
	if i == 0 {
		return bytesOf(r.cmd)
	}
	switch a := r.args[i-1].(type) {
	case string:
		return bytesOf(a)
	case []byte:
		return a
	default:
		return appendPlain(nil, a)
	}
}

// bytesOf gives the bytes of a string without copying them, for readers.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// appendPlain appends what redigo sends for an argument of a basic type that
// is neither a string nor bytes.
func appendPlain(dst []byte, arg any) []byte {
	switch a := arg.(type) {
	case int:
		return strconv.AppendInt(dst, int64(a), 10)
	case int64:
		return strconv.AppendInt(dst, a, 10)
	case float64:
		return strconv.AppendFloat(dst, a, 'g', -1, 64)
	case bool:
		if a {
			return append(dst, '1')
		}
		return append(dst, '0')
	case nil:
		return dst
	}
	return fmt.Append(dst, arg)
}

// plain returns the arguments with everything but redigo's basic types turned
// into the bytes that redigo would send. So no method of an argument is
// called later, while locks are held or by another goroutine.
func plain(args []any) []any {
	for i, arg := range args {
		switch arg.(type) {
		case string, []byte, int, int64, float64, bool, nil:
			continue
		}
		out := append([]any(nil), args...)
		for ; i < len(out); i++ {
			out[i] = plainArg(out[i])
		}
		return out
	}
	return args
}

func plainArg(arg any) any {
	for range 2 { // redigo asks an Argument once and prints what it is then
		switch a := arg.(type) {
		case string, []byte, int, int64, float64, bool, nil:
			return arg
		case redis.Argument:
			arg = a.RedisArg()
			if _, again := arg.(redis.Argument); again {
				return fmt.Append(nil, arg)
			}
		}
	}
	return fmt.Append(nil, arg)
}
