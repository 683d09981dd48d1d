package memcache

// Verb is what kind of a request it is.
type Verb uint8

const (
	Answer    Verb = iota // answered by Reply, at no server
	Get                   // get, gets, gat, gats: Keys
	Store                 // set and its like: one key, with data
	Change                // incr, decr, delete, touch: one key
	MetaGet               // mg
	MetaSet               // ms, with data
	MetaOther             // md
	MetaArith             // ma
	MetaDebug             // me
	Version               // of all servers
	Verbosity             // likewise
	Flush                 // likewise
	Stats                 // likewise
	Quit                  // the client wants to leave
	Close                 // the client is none of memcached's: Reply, and the connection ends
)

// Request is a request. Its slices are valid as long as the bytes it was made of.
type Request struct {
	Verb    Verb
	Line    []byte // as it goes to a server, without its end
	Clean   bool   // the request may go to a server byte for byte
	Silent  bool   // noreply: nothing is answered
	Quiet   bool   // q: what is nominal is not answered; see Hides
	Keep    bool   // mg: a miss has flags of the request in its reply; see AppendMiss
	Reads   bool   // it changes nothing
	Key     []byte // of a request with one, as memcached knows it
	Data    []byte // the value and its CRLF
	Reply   string // of Answer and Close, without the CRLF
	Swallow int    // bytes behind the request that are no request
	Name    []byte // of Get: what comes before the keys, as "gat 10"
	Args    []Span // of Get: the keys, in Line; of Stats the words after it
}

const (
	badFormat  = "CLIENT_ERROR bad command line format"
	badExptime = "CLIENT_ERROR invalid exptime argument"
	plainError = "ERROR"
)

// Hides reports whether a meta command with the flag q leaves out a reply, of which
// code are the first two bytes.
func (v Verb) Hides(code []byte) bool {
	switch string(code) {
	case "HD":
		return v == MetaSet || v == MetaOther || v == MetaArith
	case "VA":
		return v == MetaArith
	case "EN":
		return v == MetaGet
	}
	return false
}

// AppendMiss appends the reply of mg to a key that is not there, without the CRLF.
func (r *Request) AppendMiss(dst []byte) []byte {
	dst = append(dst, "EN"...)
	key, at, binary := next(r.Line, 0), 0, false
	key = next(r.Line, int(key.End))
	at = int(key.End)
	for w := next(r.Line, at); w.End > 0; w = next(r.Line, int(w.End)) {
		binary = binary || r.Line[w.Off] == 'b'
	}
	for w := next(r.Line, at); w.End > 0; w = next(r.Line, int(w.End)) {
		switch r.Line[w.Off] {
		case 'O':
			dst = append(append(dst, ' '), w.Of(r.Line)...)
		case 'k':
			dst = append(append(dst, " k"...), key.Of(r.Line)...)
			if binary {
				dst = append(dst, " b"...)
			}
		}
	}
	return dst
}
