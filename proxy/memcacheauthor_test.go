package proxy_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// key is one of few, so that commands meet; seldom one that is wrong.
func (w *cacheTwin) key() string {
	switch w.rng.IntN(60) {
	case 0:
		return strings.Repeat("k", 250)
	case 1:
		return strings.Repeat("k", 251)
	case 2:
		return "noreply"
	case 3:
		return "a\tb"
	}
	return fmt.Sprintf("key%d", w.rng.IntN(12))
}

func (w *cacheTwin) one(of ...string) string { return of[w.rng.IntN(len(of))] }

// seldom is s, or nothing.
func (w *cacheTwin) seldom(s string) string {
	if w.rng.IntN(6) == 0 {
		return s
	}
	return ""
}

// keys are some that are not too long: when it is asked for one that is, memcached 1.6.18
// forgets the replies to what came before in the same piece.
func (w *cacheTwin) keys() string {
	var b strings.Builder
	for range 1 + w.rng.IntN(8) {
		k := w.key()
		b.WriteString(" " + k[:min(len(k), 250)])
	}
	return b.String()
}

// number is one for incr. Of decr there is little: to make a number shorter memcached leaves
// spaces behind it, but not where a reply that holds the value is still to be written.
func (w *cacheTwin) number() string {
	return w.one("1", "5", "0", "18446744073709551615", "99999999999999999999", "-1", "x", "1x", "+3", "\t7")
}

func (w *cacheTwin) exptime() string {
	return w.one("0", "0", "0", "0", "1000", "-1", "x", "2592001", "99999999999999999999")
}

func (w *cacheTwin) value() string {
	switch w.rng.IntN(12) {
	case 0:
		return strings.Repeat("v", w.rng.IntN(1500)) // if it is no value, it is a line that is taken
	case 1:
		return "END\r\nVALUE key1 0 1\r\n"
	case 2:
		return ""
	}
	return fmt.Sprint(w.rng.IntN(1000))
}

// data is what follows the line of a storage command, and its length as the line says it.
func (w *cacheTwin) data() (length, data string) {
	v := w.value()
	switch w.rng.IntN(40) {
	case 0:
		return "-1", v + "\r\n"
	case 1:
		return "x", v + "\r\n"
	case 2:
		return fmt.Sprint(len(v)), v + "xy\r\n" // a bad chunk, and the rest is a line
	case 3:
		return fmt.Sprint(len(v)), v + "\nx"
	}
	return fmt.Sprint(len(v)), v + "\r\n"
}

// command returns a request for the proxy and the same for memcached.
func (w *cacheTwin) command() (proxy, alone string) {
	end := w.one("\r\n", "\r\n", "\r\n", "\n")
	noreply := w.seldom(" noreply")
	switch w.rng.IntN(25) {
	case 0, 1, 2:
		return same(w.one("get", "gets", "bget") + w.keys() + end)
	case 3:
		return same(w.one("gat", "gats") + " " + w.exptime() + w.keys() + end)
	case 4, 5, 6, 7:
		n, data := w.data()
		return same(fmt.Sprintf("%s %s %s %s %s%s%s%s", w.one("set", "set", "add", "replace", "append", "prepend"),
			w.key(), w.one("0", "7", "4294967295", "-1", "x"), w.exptime(), n, noreply, end, data))
	case 8:
		return w.unique(end)
	case 9, 10:
		return same(w.one("incr "+w.key()+" "+w.number(), "decr "+w.key()+" "+w.one("0", "x", "-1")) + noreply + end)
	case 11, 12:
		return same("delete " + w.key() + w.one("", "", " 0", " 1", " x") + noreply + end)
	case 13:
		return same("touch " + w.key() + " " + w.exptime() + noreply + end)
	case 14:
		return same(w.one("flush_all", "flush_all 0", "flush_all x") + noreply + end)
	case 15:
		return same(w.one("version", "verbosity 0", "verbosity", "verbosity x", "mn", "mn x", "stats reset", "stats detail off") + end)
	case 16:
		return same(w.one("nosuch", "get", "set a", "mg", "ms", "ms a", "me", "mx a", "GET a", "", " ", "x", "gats", "gat 5", "incr a", "delete", "touch", "cas a 0 0 1", "get \x00 a", "stats nosuch") + end)
	case 17, 18, 19:
		return same("mg " + w.meta("mg", "") + end)
	case 20, 21:
		n, data := w.data()
		return same("ms " + w.meta("ms", n) + end + data)
	case 22:
		return same("md " + w.meta("md", "") + end)
	}
	if w.lone && w.rng.IntN(20) == 0 {
		n := 1<<20 - 2000 + w.rng.IntN(3000) // about the longest that a server takes
		return same(fmt.Sprintf(w.one("set %s 0 0 %d%s\r\n", "ms %s %d%.0s\r\n", "add %s 0 0 %d%s\r\n"), fmt.Sprintf("key%d", w.rng.IntN(12)), n, noreply) + strings.Repeat("v", n) + "\r\n")
	}
	return same(w.one("ma", "ma", "me") + " " + w.meta("ma", "") + end)
}

func same(s string) (proxy, alone string) { return s, s }

// unique is a cas with the number that gets gave last, or another.
func (w *cacheTwin) unique(end string) (proxy, alone string) {
	k := w.key()
	cas, ok := w.cas[k]
	if !ok || w.rng.IntN(4) == 0 {
		cas = [2]string{w.one("0", "1", "x"), ""}
		cas[1] = cas[0]
		if cas[0] == "1" {
			cas = [2]string{"999999999", "999999999"}
		}
	}
	n, data := w.data()
	form := "cas %s 0 0 %s %s" + w.seldom(" noreply") + end + "%s"
	return fmt.Sprintf(form, k, n, cas[0], data), fmt.Sprintf(form, k, n, cas[1], data)
}

// meta is a key, the length of data where there is one, and flags.
func (w *cacheTwin) meta(cmd, length string) string {
	k := w.key()
	var flags []string
	if w.rng.IntN(5) == 0 {
		k = w.one(base64.StdEncoding.EncodeToString([]byte(k)), base64.StdEncoding.EncodeToString([]byte{0, 1, 2, byte(w.rng.IntN(4))}), "Zm9", "!!")
		flags = append(flags, "b")
	}
	if length != "" {
		k += " " + length
	}
	of := map[string][]string{
		"mg": {"v", "k", "s", "f", "t", "q", "Oabc", "u", "N60", "T60", "R30", "E5", "c", "h", "l", "z", "Tx", "q"},
		"ms": {"k", "q", "Oabc", "F5", "T60", "ME", "MA", "MP", "MR", "MS", "Mx", "I", "c", "b", "C999999999", "z", "q"},
		"md": {"k", "q", "Oabc", "I", "T60", "C999999999", "z", "q"},
		"ma": {"k", "q", "Oabc", "v", "t", "c", "N60", "J7", "D3", "D-", "M+", "Mx", "T60", "C999999999", "q"},
	}[cmd]
	for range w.rng.IntN(5) {
		flags = append(flags, w.one(of...))
	}
	if cmd == "ma" && slices.Contains(flags, "N60") { // see memcache's README
		flags = slices.DeleteFunc(flags, func(f string) bool { return f == "q" })
	}
	return strings.Join(append([]string{k}, flags...), w.one(" ", " ", "  "))
}
