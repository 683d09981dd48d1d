package openloop

import (
	"errors"
	"strings"
	"testing"
)

func TestRequestsGoRound(t *testing.T) {
	r := newRequests([][]byte{[]byte("ab"), []byte("cd"), []byte("ef")})
	var sent strings.Builder
	for position := 2; sent.Len() < 11; position = 2 + sent.Len() {
		sent.Write(r.from(position, 11-sent.Len()))
	}
	if got, want := sent.String(), "cdefabcdefa"; got != want {
		t.Errorf("from the second request on: %q, want %q", got, want)
	}
}

func TestRepliesAtEverySplit(t *testing.T) {
	const reply = "$3\r\nabc\r\n"
	text := []byte(strings.Repeat(reply, 3))
	for i := range text {
		for j := i; j < len(text); j++ {
			r := replies{want: []byte(reply)}
			for _, b := range [][]byte{text[:i], text[i:j], text[j:]} {
				if err := r.take(b, 3); err != nil {
					t.Fatalf("split at %d and %d: %v", i, j, err)
				}
			}
			if r.done != 3 || r.part != 0 {
				t.Fatalf("split at %d and %d: %d replies and %d bytes", i, j, r.done, r.part)
			}
		}
	}
}

func TestWrongRepliesAreErrors(t *testing.T) {
	for _, text := range []string{"-ERR x\r\n", "$3\r\nabd\r\n", "$3\r\nabc\r\n$-1\r\n"} {
		r := replies{want: []byte("$3\r\nabc\r\n")}
		if err := r.take([]byte(text), 2); err == nil || !strings.Contains(err.Error(), "want") {
			t.Errorf("%q: error %v", text, err)
		}
	}
	r := replies{want: []byte("+OK\r\n")}
	if err := r.take([]byte("+OK\r\n+"), 1); !errors.Is(err, errUnasked) {
		t.Errorf("a second reply to one request: error %v", err)
	}
}
