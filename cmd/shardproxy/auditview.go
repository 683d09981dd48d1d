package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shardring/shardring/cmd/shardproxy/internal/table"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/migrate/audit"
)

// auditView is what audit found and did, as it is printed.
type auditView struct {
	Pool      string           `json:"pool"`
	Keys      int64            `json:"keys"`
	Misplaced int64            `json:"misplaced"`
	Seconds   float64          `json:"seconds"`
	Groups    []auditGroup     `json:"groups"`
	Results   map[string]int64 `json:"results,omitempty"`   // of --repair and --delete
	Left      []listedKey      `json:"left,omitempty"`      // the first leftShown of them
	LeftMore  int64            `json:"left_more,omitempty"` // how many others

	servers int
	took    time.Duration // of --repair or --delete
}

type auditGroup struct {
	Shard    string      `json:"shard"`
	Node     string      `json:"node"`
	Owner    string      `json:"owner"`
	Count    int64       `json:"count"`
	Examples []listedKey `json:"examples"`
}

// listedKey is one key of --list.
type listedKey struct {
	Key      string `json:"key"`
	Hex      bool   `json:"hex,omitempty"` // key is hexadecimal: it is not UTF-8
	Database int    `json:"db"`
	Shard    string `json:"shard"`
	Owner    string `json:"owner"`
	Result   string `json:"result,omitempty"`
	Error    string `json:"error,omitempty"`
}

func newListedKey(k audit.Key, o *audit.Outcome) listedKey {
	l := listedKey{Key: string(k.Name), Database: k.Database, Shard: k.Shard, Owner: k.Owner}
	if !utf8.Valid(k.Name) {
		l.Key, l.Hex = hex.EncodeToString(k.Name), true
	}
	if o != nil {
		l.Result = o.Result.String()
		if o.Err != nil {
			l.Error = o.Err.Error()
		}
	}
	return l
}

// keyList prints keys as they come.
type keyList struct {
	*bufio.Writer
	enc *json.Encoder
}

func newKeyList(w io.Writer) *keyList {
	b := bufio.NewWriter(w)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	return &keyList{b, enc}
}

// add prints a key; an error of writing stays until Flush.
func (l *keyList) add(k audit.Key, o *audit.Outcome) { _ = l.enc.Encode(newListedKey(k, o)) }

func newAuditView(pool *config.Pool, r *audit.Report) *auditView {
	v := &auditView{
		Pool: pool.Name, Keys: r.Keys, Misplaced: r.Misplaced, Seconds: r.Took.Seconds(), Groups: []auditGroup{}, servers: len(r.Servers),
	}
	for _, g := range r.Groups {
		to := auditGroup{Shard: g.Shard, Node: g.Node, Owner: g.Owner, Count: g.Count, Examples: []listedKey{}}
		for _, k := range g.Examples {
			to.Examples = append(to.Examples, newListedKey(k, nil))
		}
		v.Groups = append(v.Groups, to)
	}
	return v
}

// print shows what was found.
func (v *auditView) print(out io.Writer) error {
	part := 0.0
	if v.Keys > 0 {
		part = float64(v.Misplaced) / float64(v.Keys)
	}
	_, err := fmt.Fprintf(out, "pool %s: %s keys on %s in %s, %s misplaced (%s)\n",
		v.Pool, grouped(v.Keys), counted(v.servers, "server"), seconds(v.Seconds), grouped(v.Misplaced), percent(part))
	if len(v.Groups) == 0 || err != nil {
		return err
	}
	fmt.Fprintln(out)
	t := table.New(out, "SHARD", "NODE", "OWNER", ">KEYS", "EXAMPLES")
	for _, g := range v.Groups {
		var examples []string
		for _, k := range g.Examples {
			examples = append(examples, k.text())
		}
		t.Row(g.Shard, g.Node, g.Owner, grouped(g.Count), strings.Join(examples, " "))
	}
	return t.Flush()
}

// text is a key for people.
func (k listedKey) text() string {
	s := k.Key
	if k.Hex {
		b, _ := hex.DecodeString(k.Key) // it was made by EncodeToString
		s = string(b)
	}
	if q := strconv.Quote(s); q != `"`+s+`"` || s == "" || strings.ContainsRune(s, ' ') {
		s = q
	}
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most-1]) + "…"
	}
	if k.Database != 0 {
		s += fmt.Sprintf(" (db %d)", k.Database)
	}
	return s
}

// leftShown is how many keys that were left are named; --list has all.
const leftShown = 1000

// leave adds a key that was left.
func (v *auditView) leave(o audit.Outcome) {
	if len(v.Left) == leftShown {
		v.LeftMore++
		return
	}
	v.Left = append(v.Left, newListedKey(o.Key, &o))
}

// did adds what was done.
func (v *auditView) did(t audit.Totals) {
	v.took = t.Took
	v.Results = map[string]int64{}
	for r := range audit.Failed + 1 {
		if n := t.Of(r); n > 0 {
			v.Results[r.String()] = n
		}
	}
}

// printDone shows what was done, and which keys were left.
func (v *auditView) printDone(out io.Writer) error {
	var parts []string
	done := int64(0)
	for r := range audit.Failed + 1 {
		if n := v.Results[r.String()]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %v", grouped(n), r))
			done += n
		}
	}
	of := max(v.Misplaced, done) // a second scan may find more
	if done < of {
		parts = append(parts, grouped(of-done)+" not reached")
	}
	fmt.Fprintf(out, "%s in %s: %s\n", grouped(of)+plural(of, " key", " keys"), seconds(v.took.Seconds()), strings.Join(parts, ", "))
	if len(v.Left) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	t := table.New(out, "LEFT", "SHARD", "OWNER", "WHY", "")
	for _, k := range v.Left {
		t.Row(k.text(), k.Shard, k.Owner, k.Result, k.Error)
	}
	if err := t.Flush(); err != nil || v.LeftMore == 0 {
		return err
	}
	_, err := fmt.Fprintf(out, "and %s more: --list names all\n", grouped(v.LeftMore))
	return err
}

func seconds(s float64) string { return strconv.FormatFloat(s, 'f', 2, 64) + " s" }

func plural(n int64, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}

// grouped writes a number with commas.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size writes a number of bytes.
func size(bytes float64) string {
	for _, u := range []struct {
		name string
		is   float64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if bytes >= u.is {
			return fmt.Sprintf("%.1f %s", bytes/u.is, u.name)
		}
	}
	return fmt.Sprintf("%.0f B", bytes)
}
