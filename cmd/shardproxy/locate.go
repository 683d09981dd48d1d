package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/shardring/shardring/cmd/shardproxy/internal/table"
	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/shard/config"
)

// maxKey is what Redis allows.
const maxKey = 512 << 20

// locateOptions are the flags of locate.
type locateOptions struct {
	source
	hex, json bool
}

// locateCommand says which shard owns a key.
func locateCommand() *cobra.Command {
	var o locateOptions
	cmd := &cobra.Command{
		Use:   "locate KEY... [-c FILE]",
		Short: "Say which shard owns a key, and why",
		Long: `Say which shard owns a key, and why: the part of the key that is hashed (its
tag), the hash, the point of the ring that owns it (of slots and modula: the
slot, the residue), the shard of that point and its primary.

Keys are arguments, or lines of standard input when the argument is - or when
there is none. No server is asked.`,
		Example: `  shardproxy locate user:1 '{user:1}:cart' -c pools.yml
  redis-cli --scan | shardproxy locate -c pools.yml --json
  shardproxy locate --hex 00ff10 -c pools.yml`,
		RunE: func(cmd *cobra.Command, keys []string) error { return o.run(cmd, keys) },
	}
	o.fileFlag(cmd)
	o.poolFlag(cmd)
	cmd.Flags().BoolVar(&o.hex, "hex", false, "keys are given and shown as hexadecimal digits")
	cmd.Flags().BoolVar(&o.json, "json", false, "print one object a line")
	return cmd
}

func (o *locateOptions) run(cmd *cobra.Command, keys []string) error {
	in := cmd.InOrStdin()
	if len(keys) == 0 && terminal(in) {
		return usagef("no key: give some, or pipe them in, one a line")
	}
	pool, r, err := o.pool()
	if err != nil {
		return err
	}
	if r.Placement() == ring.Random {
		return fmt.Errorf("pool %s: under distribution random no shard owns a key: each request goes to any live one", pool.Name)
	}
	out := o.printer(cmd.OutOrStdout(), pool, r)
	if len(keys) == 0 || len(keys) == 1 && keys[0] == "-" {
		err = o.lines(in, out)
	} else {
		for _, k := range keys {
			if err = o.key(k, out); err != nil {
				break
			}
		}
	}
	return errors.Join(err, out.Flush())
}

// terminal reports whether nobody has piped anything in.
func terminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// lines locates each line of in; the line end is not part of the key.
func (o *locateOptions) lines(in io.Reader, out located) error {
	scan := bufio.NewScanner(in)
	scan.Buffer(make([]byte, 64<<10), maxKey)
	scan.Split(cutLine)
	for n := 1; scan.Scan(); n++ {
		if err := o.key(scan.Text(), out); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return scan.Err()
}

// cutLine is bufio.ScanLines but for \r, which may end a key.
func cutLine(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

func (o *locateOptions) key(text string, out located) error {
	key := []byte(text)
	if o.hex {
		var err error
		if key, err = hex.DecodeString(text); err != nil {
			return fmt.Errorf("key %q: want pairs of hexadecimal digits with --hex", text)
		}
	}
	return out.add(key)
}

// located prints where keys are.
type located interface {
	add(key []byte) error
	Flush() error
}

func (o *locateOptions) printer(w io.Writer, pool *config.Pool, r *ring.Ring) located {
	at := locator{pool: pool, ring: r, hex: o.hex}
	if o.json {
		b := bufio.NewWriter(w)
		enc := json.NewEncoder(b)
		enc.SetEscapeHTML(false)
		return &jsonLocated{locator: at, Writer: b, enc: enc}
	}
	point := "POINT"
	switch r.Placement() {
	case ring.Slots:
		point = "SLOT"
	case ring.Modula:
		point = "RESIDUE"
	}
	return &tableLocated{locator: at, Table: table.New(w, "KEY", "TAG", "HASH", point, "SHARD", "NODE")}
}

// locator is what both forms print from.
type locator struct {
	pool *config.Pool
	ring *ring.Ring
	hex  bool
}

func (l *locator) node(shard int) string { return l.pool.Shards[shard].Primary.String() }

// digits is a hash or point with as many digits as the ring's hashes have, or
// a slot or residue in decimal.
func (l *locator) digits(v uint64, point bool) string {
	switch p := l.ring.Placement(); {
	case point && (p == ring.Slots || p == ring.Modula):
		return strconv.FormatUint(v, 10)
	case p == ring.Slots:
		return fmt.Sprintf("%04x", v&0xffff) // the rest of the accumulator is not CRC16
	case l.ring.Hash() == ring.HashMurmur3 || l.ring.Hash() == ring.HashMurmur64A:
		return fmt.Sprintf("%016x", v)
	}
	return fmt.Sprintf("%08x", v)
}

type tableLocated struct {
	locator
	*table.Table
}

func (t *tableLocated) add(key []byte) error {
	l := t.ring.Locate(key)
	t.Row(t.text(key), t.text(l.Tag), t.digits(l.Hash, false), t.digits(l.Point, true), t.ring.Name(l.Shard), t.node(l.Shard))
	return nil
}

// text shows a key as it is if it prints and stands apart, else quoted.
func (t *tableLocated) text(b []byte) string {
	if t.hex {
		return hex.EncodeToString(b)
	}
	s := string(b)
	if q := strconv.Quote(s); q != `"`+s+`"` || s == "" || strings.ContainsRune(s, ' ') {
		return q
	}
	return s
}

type jsonLocated struct {
	locator
	*bufio.Writer
	enc *json.Encoder
}

// locatedKey is one line of --json. Numbers of 64 bits are strings of
// hexadecimal digits, because many readers of JSON would round them.
type locatedKey struct {
	Key   string `json:"key"`
	Tag   string `json:"tag"`
	Hex   bool   `json:"hex,omitempty"` // key and tag are hexadecimal digits
	Hash  string `json:"hash"`
	Point string `json:"point"`
	Shard string `json:"shard"`
	Node  string `json:"node"`
}

func (j *jsonLocated) add(key []byte) error {
	l := j.ring.Locate(key)
	k := locatedKey{
		Key: string(key), Tag: string(l.Tag),
		Hash: j.digits(l.Hash, false), Point: j.digits(l.Point, true),
		Shard: j.ring.Name(l.Shard), Node: j.node(l.Shard),
	}
	if j.hex || !utf8.Valid(key) || !utf8.Valid(l.Tag) {
		k.Key, k.Tag, k.Hex = hex.EncodeToString(key), hex.EncodeToString(l.Tag), true
	}
	return j.enc.Encode(k)
}
