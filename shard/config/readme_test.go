package config

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestReadme holds the reference in README.md to the tables of keys. go test
// -update rewrites it.
func TestReadme(t *testing.T) {
	byServers, byShards := defaultPool("", false), defaultPool("", true)
	text := readFile(t, "README.md")
	want := text
	for section, table := range map[string]string{
		"pool":       reference(poolKeys(), byServers, byShards),
		"shard":      reference(shardKeys(), defaultShard(), defaultShard()),
		"replica":    reference(replicaKeys(), defaultReplica(), defaultReplica()),
		"user":       reference(userKeys(), &userDraft{}, &userDraft{}),
		"shardproxy": reference(proxyKeys(), &Proxy{}, &Proxy{}),
	} {
		begin, end := "<!-- keys of "+section+" -->\n", "<!-- end -->"
		before, rest, ok := strings.Cut(want, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("README.md has no section %q … %q", begin, end)
		}
		want = before + begin + table + end + after
	}
	if text == want {
		return
	}
	if *update {
		if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Error("README.md does not have the reference of all keys: go test -update")
}

// reference is the table of keys in Markdown. There are two defaults where
// servers: and shards: differ.
func reference[T any](keys []key[T], one, two *T) string {
	var b strings.Builder
	b.WriteString("| key | value | default | |\n|---|---|---|---|\n")
	for _, k := range keys {
		first, second := k.show(one), k.show(two)
		byDefault := ""
		switch {
		case first == second && first != "":
			byDefault = "`" + first + "`"
		case first != second:
			byDefault = fmt.Sprintf("`%s`; with `shards:` `%s`", first, second)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.name, k.unit, byDefault, strings.ReplaceAll(k.doc, "|", "\\|"))
	}
	return b.String()
}
