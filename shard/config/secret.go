package config

import (
	"fmt"
	"log/slog"
)

const redacted = "(redacted)"

// A Secret is a password that does not print: String, every verb of fmt, JSON,
// text and slog show "(redacted)", also when the Secret is deep inside a
// printed struct. The zero Secret is no password and prints as nothing.
type Secret struct {
	// A pointer, because fmt calls no methods below an unexported field: there
	// it prints the address.
	v *secret
}

type secret struct {
	value string
	file  string // the file it came from, or ""
	env   string // the variable it came from, or ""
}

// NewSecret returns value as a Secret.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{&secret{value: value}}
}

// Value returns the password itself.
func (s Secret) Value() string {
	if s.v == nil {
		return ""
	}
	return s.v.value
}

// IsZero says that there is no password.
func (s Secret) IsZero() bool { return s.v == nil }

// String returns "(redacted)", or "" for the zero Secret.
func (s Secret) String() string {
	if s.v == nil {
		return ""
	}
	return redacted
}

// Format implements fmt.Formatter, so that no verb reaches the value.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText implements encoding.TextMarshaler, which JSON uses too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// yaml returns the secret as a file may hold it: where it comes from when that
// is known, else "(redacted)".
func (s Secret) yaml() string {
	switch {
	case s.v.file != "":
		return "{file: " + quote(s.v.file) + "}"
	case s.v.env != "":
		return "${" + s.v.env + "}"
	}
	return quote(redacted)
}
