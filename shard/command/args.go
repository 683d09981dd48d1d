package command

// Args is one request: At(0) is the command's name, At(1) to At(Len()-1) its
// arguments. This package reads the slices only during a call and keeps none.
//
// Give the hot path a pointer that lives as long as the session does: storing a
// slice value in an interface costs an allocation a request.
type Args interface {
	Len() int
	At(i int) []byte
}

// Slices is a request whose arguments are byte slices.
type Slices [][]byte

// Len returns the number of arguments, with the name.
func (s Slices) Len() int { return len(s) }

// At returns argument i.
func (s Slices) At(i int) []byte { return s[i] }

// Strings is a request whose arguments are strings, for tools and tests: At
// copies its argument.
type Strings []string

// Len returns the number of arguments, with the name.
func (s Strings) Len() int { return len(s) }

// At returns a copy of argument i.
func (s Strings) At(i int) []byte { return []byte(s[i]) }

// Tail returns the request inside another one: what follows ACL DRYRUN user, or
// COMMAND GETKEYS. from is the position of its name.
func Tail(a Args, from int) Args { return tail{a, from} }

type tail struct {
	Args
	from int
}

func (t tail) Len() int        { return t.Args.Len() - t.from }
func (t tail) At(i int) []byte { return t.Args.At(t.from + i) }
