package audit

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/gomodule/redigo/redis"
)

// TestCanonical: a large set or hash has another DUMP on another server, or after
// other changes, but the same canonical one; another value has another.
func TestCanonical(t *testing.T) {
	f := newFleet(t, 2)
	differ := 0
	for i, make := range large {
		key := fmt.Sprint("key:", i)
		var dumps [][]byte
		for s := range f.servers {
			args := make(3)
			args[1] = key
			f.do(s, args[0].(string), args[1:]...)
			dump, err := redis.Bytes(f.do(s, "DUMP", key), nil)
			if err != nil {
				t.Fatal(err)
			}
			dumps = append(dumps, dump)
		}
		if !bytes.Equal(dumps[0], dumps[1]) {
			differ++
		}
		if !bytes.Equal(canonical(dumps[0]), canonical(dumps[1])) {
			t.Errorf("%s: canonical dumps differ", make(3)[0])
		}
		changed := bytes.Clone(dumps[0])
		changed[len(changed)/2] ^= 1
		if bytes.Equal(canonical(changed), canonical(dumps[0])) {
			t.Errorf("%s: a changed dump is the same", make(3)[0])
		}
	}
	if differ != 2 {
		t.Errorf("%d of 5 dumps differ between servers, want those of the set and the hash", differ)
	}
}

// FuzzCanonical: whatever stands in a dump, canonical keeps all of its bytes, and
// is its own canonical form.
func FuzzCanonical(f *testing.F) {
	f.Add([]byte("\x02\x02\x01b\x01a0123456789"))
	f.Add([]byte("\x04\x01\xc0\x05\xc3\x04\x06abcd0123456789"))
	f.Add([]byte("\x02\x810000000000123456789"))
	f.Fuzz(func(t *testing.T, dump []byte) {
		before := bytes.Clone(dump)
		once := canonical(dump)
		if !bytes.Equal(dump, before) {
			t.Fatal("the dump was changed")
		}
		if len(dump) <= footer {
			return
		}
		var counts [2][256]int
		for _, b := range dump[:len(dump)-footer] {
			counts[0][b]++
		}
		for _, b := range once {
			counts[1][b]++
		}
		if counts[0] != counts[1] {
			t.Fatalf("%q became %q", dump, once)
		}
		if twice := canonical(append(bytes.Clone(once), make([]byte, footer)...)); !bytes.Equal(once, twice) {
			t.Fatalf("%q, then %q", once, twice)
		}
	})
}
