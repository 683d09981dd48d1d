package nutcracker

import (
	"fmt"
	"math"
	"strings"
)

// Options are nutcracker's flags with its defaults.
type Options struct {
	Help, Version, Test, Daemonize, Describe bool

	Verbose       int    // -v, 0 to 11
	Output        string // -o; "": standard error
	Conf          string // -c; "": see confPaths
	StatsPort     int
	StatsAddr     string
	StatsInterval int    // ms
	PidFile       string // "": none
	MbufSize      int    // bytes
}

const (
	maxVerbose = 11
	minMbuf    = 512
	maxMbuf    = 16 << 20
)

// Defaults returns the options of a call without flags.
func Defaults() Options {
	return Options{Verbose: 5, StatsPort: 22222, StatsAddr: "0.0.0.0", StatsInterval: 30_000, MbufSize: 16384}
}

// flag is one of nutcracker's, by its long name.
type flag struct {
	long  string
	short byte
	value string // what it takes, for errors: "", "number", "string" or "file name"
	set   func(o *Options, value string) error
}

// flags are in the order of the help.
func flags() []flag {
	sets := func(field func(o *Options) *bool) func(*Options, string) error {
		return func(o *Options, _ string) error { *field(o) = true; return nil }
	}
	takes := func(field func(o *Options) *string) func(*Options, string) error {
		return func(o *Options, v string) error { *field(o) = v; return nil }
	}
	return []flag{
		{"help", 'h', "", sets(func(o *Options) *bool { return &o.Help })},
		{"version", 'V', "", sets(func(o *Options) *bool { return &o.Version })},
		{"test-conf", 't', "", sets(func(o *Options) *bool { return &o.Test })},
		{"daemonize", 'd', "", sets(func(o *Options) *bool { return &o.Daemonize })},
		{"describe-stats", 'D', "", sets(func(o *Options) *bool { return &o.Describe })},
		{"verbose", 'v', "number", func(o *Options, v string) error {
			n, ok := number(v)
			if !ok {
				return errNumber('v')
			}
			o.Verbose = min(n, maxVerbose)
			return nil
		}},
		{"output", 'o', "file name", takes(func(o *Options) *string { return &o.Output })},
		{"conf-file", 'c', "file name", takes(func(o *Options) *string { return &o.Conf })},
		{"stats-port", 's', "number", func(o *Options, v string) error {
			n, ok := number(v)
			switch {
			case !ok:
				return errNumber('s')
			case n < 1 || n > math.MaxUint16:
				return fmt.Errorf("option -s value %d is not a valid port", n)
			}
			o.StatsPort = n
			return nil
		}},
		{"stats-interval", 'i', "number", func(o *Options, v string) error {
			n, ok := number(v)
			if !ok {
				return errNumber('i')
			}
			o.StatsInterval = n
			return nil
		}},
		{"stats-addr", 'a', "string", takes(func(o *Options) *string { return &o.StatsAddr })},
		{"pid-file", 'p', "file name", takes(func(o *Options) *string { return &o.PidFile })},
		{"mbuf-size", 'm', "number", func(o *Options, v string) error {
			n, ok := number(v)
			switch {
			case !ok || n == 0:
				return fmt.Errorf("option -m requires a non-zero number")
			case n < minMbuf || n > maxMbuf:
				return fmt.Errorf("mbuf chunk size must be between %d and %d bytes", minMbuf, maxMbuf)
			}
			o.MbufSize = n
			return nil
		}},
	}
}

func errNumber(short byte) error { return fmt.Errorf("option -%c requires a number", short) }

// number reads decimal digits alone. A number too large for C's int is no
// number, where nutcracker lets it wrap around.
func number(s string) (int, bool) {
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n = n*10 + int(c-'0'); n > math.MaxInt32 {
			return 0, false
		}
	}
	return n, s != ""
}

// Parse reads a command line as getopt_long does: short flags may stand
// together and be followed by their value, long ones may be cut short while
// they are unambiguous, what is no flag is ignored, and -- ends the flags.
func Parse(args []string) (Options, error) {
	o := Defaults()
	known := flags()
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		var err error
		switch {
		case arg == "--":
			return o, nil
		case strings.HasPrefix(arg, "--"):
			args, err = o.long(known, arg[2:], args)
		case len(arg) > 1 && arg[0] == '-':
			args, err = o.short(known, arg[1:], args)
		}
		if err != nil {
			return o, err
		}
	}
	return o, nil
}

// short sets the flags that stand together in one argument.
func (o *Options) short(known []flag, letters string, rest []string) ([]string, error) {
	for len(letters) > 0 {
		f := find(known, func(f flag) bool { return f.short == letters[0] })
		if f == nil {
			return nil, fmt.Errorf("invalid option -- '%c'", letters[0])
		}
		letters = letters[1:]
		if f.value == "" {
			if err := f.set(o, ""); err != nil {
				return nil, err
			}
			continue
		}
		if letters != "" {
			return rest, f.set(o, letters)
		}
		return o.take(f, rest)
	}
	return rest, nil
}

// long sets the flag that an argument names after its two dashes.
func (o *Options) long(known []flag, arg string, rest []string) ([]string, error) {
	name, value, has := strings.Cut(arg, "=")
	f := find(known, func(f flag) bool { return f.long == name })
	if f == nil {
		for i := range known {
			if strings.HasPrefix(known[i].long, name) {
				if f != nil {
					return nil, fmt.Errorf("invalid option -- '--%s': it may be --%s or --%s", name, f.long, known[i].long)
				}
				f = &known[i]
			}
		}
	}
	switch {
	case f == nil:
		return nil, fmt.Errorf("invalid option -- '--%s'", name)
	case f.value == "" && has:
		return nil, fmt.Errorf("invalid option -- '%c'", f.short)
	case f.value == "" || has:
		return rest, f.set(o, value)
	}
	return o.take(f, rest)
}

// take sets a flag to the next argument, whatever that is.
func (o *Options) take(f *flag, rest []string) ([]string, error) {
	if len(rest) == 0 {
		return nil, fmt.Errorf("option -%c requires a %s", f.short, f.value)
	}
	return rest[1:], f.set(o, rest[0])
}

func find(known []flag, is func(flag) bool) *flag {
	for i := range known {
		if is(known[i]) {
			return &known[i]
		}
	}
	return nil
}
