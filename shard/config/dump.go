package config

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// WriteTo writes the file as it was understood: every setting with the value
// in effect, shards by the names that place their keys, secrets as where they
// come from or as "(redacted)". It implements io.WriterTo.
//
// The text is itself a file that [Parse] reads to the same File (but for the
// redacted secrets). A line marked "# default" may be left out of it.
func (f *File) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s:\n", proxyKey)
	writeKeys(&b, proxyKeys(), &f.Proxy, &Proxy{})
	for _, p := range f.Pools {
		fmt.Fprintf(&b, "\n%s:\n", quoteKey(p.Name))
		writePool(&b, p)
	}
	return b.WriteTo(w)
}

// writePool prints a pool with shards:, so the defaults of that form are the
// ones to mark.
func writePool(b *bytes.Buffer, p *Pool) {
	byDefault := defaultPool(p.Name, true)
	byDefault.Ring.Hash = p.Ring.Placement.Hashes()[0]
	byDefault.tag = defaultTag(p.Ring.Placement)
	byDefault.OnShardError = onShardErrors(p.Redis)[0]
	writeKeys(b, poolKeys(), &poolDraft{Pool: p}, byDefault)
	if len(p.Users) > 0 {
		b.WriteString("  users:\n")
		for _, u := range p.Users {
			writeItem(b, userKeys(), &userDraft{User: u})
		}
	}
	b.WriteString("  shards:\n")
	for i, s := range p.Shards {
		writeItem(b, shardKeys(), &shardDraft{Shard: s, slots: p.Ring.Shards[i].Slots})
	}
}

// writeItem writes one element of a list, in one line.
func writeItem[T any](b *bytes.Buffer, table []key[T], from *T) {
	var parts []string
	for _, k := range table {
		if v := k.show(from); v != "" {
			parts = append(parts, k.name+": "+v)
		}
	}
	fmt.Fprintf(b, "    - {%s}\n", strings.Join(parts, ", "))
}

func writeKeys[T any](b *bytes.Buffer, table []key[T], from, byDefault *T) {
	for _, k := range table {
		v := k.show(from)
		if v == "" {
			continue
		}
		mark := ""
		if v == k.show(byDefault) {
			mark = "  # default"
		}
		fmt.Fprintf(b, "  %s: %s%s\n", k.name, v, mark)
	}
}

// quote writes a value so that Parse reads it as s: plain where that is safe
// in a block and in brackets, else in double quotes.
func quote(s string) string { return quoteKey(unexpanded(s)) }

func quoteNonEmpty(s string) string {
	if s == "" {
		return ""
	}
	return quote(s)
}

// quoteKey is quote for a key, which is not expanded.
func quoteKey(s string) string {
	if isPlainText(s) {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c == 0x7f || 0x80 <= c && c < 0xa0 || c == '\u2028' || c == '\u2029' || c == '\uFEFF':
			fmt.Fprintf(&b, `\u%04X`, c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// isPlainText says that s means itself without quotes, everywhere: it starts
// with a letter, a digit or a slash, goes on with what addresses and names are
// made of, and no colon in it could be the one after a key.
func isPlainText(s string) bool {
	for i, c := range s {
		switch {
		case '0' <= c && c <= '9', 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', c == '/':
		case strings.ContainsRune("._-:", c) && i > 0:
		default:
			return false
		}
	}
	return s != "" && !strings.HasSuffix(s, ":") && !strings.Contains(s, "::")
}
