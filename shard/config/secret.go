package config

import (
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
)

const redacted = "(redacted)"

// A Secret is a password that does not print: fmt, JSON, text and slog show
// "(redacted)" or an address, also when the Secret is deep inside a printed
// struct. The zero Secret is no password and prints as nothing.
type Secret struct {
	// A pointer to a string, because fmt calls no methods below an unexported
	// field: there it prints the address, as it follows no pointer to a string.
	value *string
	file  string // the file it came from, or ""
	env   string // the variable it came from, or ""
}

// NewSecret returns value as a Secret.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{value: &value}
}

// Value returns the password itself.
func (s Secret) Value() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero says that there is no password.
func (s Secret) IsZero() bool { return s.value == nil }

// String returns "(redacted)", or "" for the zero Secret.
func (s Secret) String() string {
	if s.value == nil {
		return ""
	}
	return redacted
}

// MarshalText implements encoding.TextMarshaler, which JSON uses too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// yaml returns the secret as a file may hold it: where it comes from when that
// is known, else "(redacted)".
func (s Secret) yaml() string {
	switch {
	case s.file != "":
		return "{file: " + quote(s.file) + "}"
	case s.env != "":
		return "${" + s.env + "}"
	}
	return quote(redacted)
}

// secret is a key that holds a password, or says where it is.
func secret[T any](field func(*T) *Secret) binding[T] {
	return binding[T]{
		read: func(d *decoder, k string, v node, to *T) { *field(to) = d.secret(k, v) },
		show: func(from *T) string {
			if field(from).IsZero() {
				return ""
			}
			return field(from).yaml()
		},
	}
}

// secret reads a password, or where it is. Its messages never hold the value.
func (d *decoder) secret(k string, v node) Secret {
	if v.kind == mapping {
		return d.secretFile(k, v)
	}
	d.mask(v.pos)
	text, ok := d.text(k, v)
	if !ok {
		return Secret{}
	}
	s := NewSecret(text)
	s.env = soleVariable(v.text)
	return s
}

// secretFile reads {file: path}. One line end at the end of the file is cut.
func (d *decoder) secretFile(k string, v node) Secret {
	if len(v.fields) != 1 || v.fields[0].key != "file" {
		d.add(v.pos, "%s: want the password, or {file: /run/secrets/redis} and no other key", k)
		return Secret{}
	}
	name := v.fields[0].value
	given, ok := d.text("file of "+k, name)
	if !ok {
		return Secret{}
	}
	path := given
	if !filepath.IsAbs(path) {
		path = filepath.Join(d.dir, path)
	}
	data, err := d.options.read(path)
	value := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	switch {
	case err != nil:
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at.Err // the path is in the message already
		}
		d.add(name.pos, "%s: cannot read file %q: %s", k, path, err)
	case value == "":
		d.add(name.pos, "%s: file %q is empty", k, path)
	case len(value) > maxSecret:
		d.add(name.pos, "%s: file %q has more than %d bytes", k, path, maxSecret)
	default:
		return Secret{value: &value, file: given}
	}
	return Secret{}
}
