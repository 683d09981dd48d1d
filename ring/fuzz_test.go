package ring

import (
	"bytes"
	"testing"
)

var fuzzKeys = []string{"", "a", "{", "}", "{}", "{}}", "{a}", "x{a}{b}", "{\n}x", "{a\r}b", "{a\u2028}{b}", "{\u0085}{b}",
	"{{a}}", "键:{用户}:1", "{\xff}", "{\xe2\x80}\xa8}", "{a\xc2\x85}{b}", "$$$a$"}

func FuzzTagPair(f *testing.F) {
	for _, key := range fuzzKeys {
		f.Add([]byte(key), byte('{'), byte('}'))
		f.Add([]byte(key), byte('$'), byte('$'))
	}
	f.Fuzz(func(t *testing.T, key []byte, open, close byte) {
		pair := string([]byte{open, close})
		tag := mustPair(t, pair)
		if got, want := tag.Of(key), referencePair(pair, key); !bytes.Equal(got, want) {
			t.Errorf("tag of %q between %q is %q, want %q", key, pair, got, want)
		}
	})
}

// open(.+?)close is matched by hand; it must be what the regular expression is.
func FuzzTagPattern(f *testing.F) {
	for _, key := range fuzzKeys {
		f.Add([]byte(key), byte('{'), byte('}'))
		f.Add([]byte(key), byte('$'), byte('$'))
	}
	f.Fuzz(func(t *testing.T, key []byte, open, close byte) {
		quote := func(c byte) string {
			if isAlphanumeric(c) {
				return string(rune(c))
			}
			return `\` + string(rune(c))
		}
		if open < ' ' || open > '~' || close < ' ' || close > '~' {
			return
		}
		tag := mustPattern(t, quote(open)+"(.+?)"+quote(close))
		if !tag.pattern.simple {
			t.Fatalf("%v is not matched by hand", tag)
		}
		want := key
		if m := referencePattern(open, close).FindSubmatch(key); m != nil {
			want = m[1]
		}
		if got := tag.Of(key); !bytes.Equal(got, want) {
			t.Errorf("tag %v of %q is %q, want %q", tag, key, got, want)
		}
	})
}

func FuzzOwner(f *testing.F) {
	for i, key := range fuzzKeys {
		f.Add([]byte(key), uint8(i), uint8(i), uint16(i*7919))
	}
	f.Fuzz(func(t *testing.T, key []byte, placement, hash uint8, weights uint16) {
		cfg := Config{Placement: []Placement{Murmur3, Jedis, Jedis29, Ketama, Modula, Slots}[placement%6]}
		hashes := cfg.Placement.Hashes()
		cfg.Hash = hashes[int(hash)%len(hashes)]
		for i, name := range []string{"b", "cache-1", "aa", "键"} {
			cfg.Shards = append(cfg.Shards, Shard{Name: name, Weight: 1 + int(weights>>(4*i)&15)})
		}
		if cfg.Placement == Slots {
			cfg.Shards = dealSlots(cfg.Shards)
		}
		r := mustNew(t, cfg)
		if got, want := r.Owner(key), referenceOwner(cfg, nil, key); got != want {
			t.Errorf("%s, %s: %q belongs to %d, the reference has %d", cfg.Placement, cfg.Hash, key, got, want)
		}
	})
}
