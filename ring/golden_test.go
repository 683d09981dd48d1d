package ring

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The files in testdata hold what the original programs answered. Every row
// of every file must agree, and the counts make sure that every row is there.

func readGolden(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func TestGoldenJedis(t *testing.T) {
	for name, placement := range map[string]Placement{"jedis-3.10.json": Jedis, "jedis-2.9.json": Jedis29} {
		t.Run(string(placement), func(t *testing.T) {
			var golden struct {
				Hashes []struct {
					Key     string
					Murmur2 int64 `json:"murmur2_64a,string"`
					MD5     int64 `json:"md5,string"`
				}
				Rings []struct {
					Name       string
					Algo       string
					TagPattern *string `json:"tag_pattern"`
					Shards     []struct {
						Name   *string
						Weight int
					}
					Points     int
					ShardOfKey []int `json:"shard_of_key"`
				}
			}
			readGolden(t, name, &golden)
			if len(golden.Hashes) != 392 || len(golden.Rings) != 42 {
				t.Fatalf("%d keys and %d rings, want 392 and 42", len(golden.Hashes), len(golden.Rings))
			}
			for _, h := range golden.Hashes {
				if got := int64(murmur64A([]byte(h.Key))); got != h.Murmur2 {
					t.Errorf("murmur64A(%q) = %d, Jedis has %d", h.Key, got, h.Murmur2)
				}
				if got := int64(md5First([]byte(h.Key))); got != h.MD5 {
					t.Errorf("md5(%q) = %d, Jedis has %d", h.Key, got, h.MD5)
				}
			}
			for _, g := range golden.Rings {
				cfg := Config{Placement: placement, Hash: map[string]Hash{"murmur": HashMurmur64A, "md5": HashMD5}[g.Algo]}
				title := g.Name + " " + g.Algo
				if g.TagPattern != nil {
					title += " " + *g.TagPattern
					cfg.Tag = mustPattern(t, *g.TagPattern)
				}
				for _, s := range g.Shards {
					shard := Shard{Weight: s.Weight}
					if s.Name != nil {
						shard.Name = *s.Name
					}
					cfg.Shards = append(cfg.Shards, shard)
				}
				r := mustNew(t, cfg)
				if r.Points() != g.Points {
					t.Errorf("%s: %d points, Jedis has %d", title, r.Points(), g.Points)
				}
				if len(g.ShardOfKey) != len(golden.Hashes) {
					t.Fatalf("%s: %d owners", title, len(g.ShardOfKey))
				}
				for i, want := range g.ShardOfKey {
					if got := r.OwnerString(golden.Hashes[i].Key); got != want {
						t.Errorf("%s: %q belongs to shard %d, Jedis has %d", title, golden.Hashes[i].Key, got, want)
					}
				}
			}
		})
	}
}

func TestGoldenTwemproxy(t *testing.T) {
	var golden struct {
		Sets []struct {
			KeysHex []string `json:"keys_hex"`
			Pools   []struct {
				Hash         Hash
				Distribution Placement
				HashTag      *string `json:"hash_tag"`
				Servers      []string
				Addresses    []string
				Owner        []int
			}
		}
	}
	readGolden(t, "twemproxy.json", &golden)
	pools, rows := 0, 0
	for _, set := range golden.Sets {
		for _, g := range set.Pools {
			pools++
			title := strings.Join([]string{string(g.Distribution), string(g.Hash), strings.Join(g.Servers, ", ")}, " ")
			cfg := Config{Placement: g.Distribution, Hash: g.Hash}
			if g.HashTag != nil {
				cfg.Tag = mustPair(t, *g.HashTag)
				title += " " + *g.HashTag
			}
			var addresses []string
			for _, line := range g.Servers {
				shard, address := serverLine(t, line)
				cfg.Shards = append(cfg.Shards, shard)
				addresses = append(addresses, address)
			}
			r := mustNew(t, cfg)
			for i, want := range g.Owner {
				rows++
				key, err := hex.DecodeString(set.KeysHex[i])
				if err != nil {
					t.Fatal(err)
				}
				// Servers may share an address, so it is the address that counts.
				if got := addresses[r.Owner(key)]; got != g.Addresses[want] {
					t.Errorf("%s: %q belongs to %s, twemproxy has %s", title, key, got, g.Addresses[want])
				}
			}
		}
	}
	if want := 76*268 + 11*395; pools != 87 || rows != want {
		t.Errorf("compared %d pools and %d rows, want 87 and %d", pools, rows, want)
	}
}

// serverLine reads host:port:weight [name] as twemproxy does.
func serverLine(t *testing.T, line string) (Shard, string) {
	t.Helper()
	server, name, _ := strings.Cut(line, " ")
	at := strings.LastIndexByte(server, ':')
	address := server[:at]
	weight, err := strconv.Atoi(server[at+1:])
	if err != nil {
		t.Fatalf("server line %q: %v", line, err)
	}
	if name == "" {
		name = strings.TrimSuffix(address, ":11211")
	}
	return Shard{Name: name, Weight: weight}, address
}

func mustNew(t testing.TB, cfg Config) *Ring {
	t.Helper()
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustPair(t testing.TB, pair string) Tag {
	t.Helper()
	tag, err := TagPair(pair)
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

func mustPattern(t testing.TB, expression string) Tag {
	t.Helper()
	tag, err := TagPattern(expression)
	if err != nil {
		t.Fatal(err)
	}
	return tag
}
