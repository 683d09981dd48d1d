package acl

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/shardring/shardring/shard/command"
)

// RuleError is a rule that cannot be taken.
type RuleError struct {
	User string
	Rule string // a password in it is replaced by "(redacted)"
	Err  error  // Redis's own words for it
}

// Error names the user and the rule, says what is wrong, and what is allowed.
func (e *RuleError) Error() string {
	msg := fmt.Sprintf("user %s: rule %q: %v", e.User, e.Rule, e.Err)
	switch {
	case e.Err == errUnknown && len(e.Rule) > 1 && e.Rule[1] == '@':
		msg += ": the categories are @all"
		for _, c := range categories {
			msg += ", @" + c.name
		}
	case e.Err == errUnknown:
		msg += ": want a command of Redis 7.0, as +get or +config|get"
	case e.Err == errSyntax:
		msg += ": want on, off, nopass, >password, #sha256, resetpass, ~keys, %R~keys, %W~keys, allkeys, resetkeys, &channels, allchannels, " +
			"resetchannels, +command, -command, +command|subcommand, +@category, -@category, allcommands, nocommands, (rules), clearselectors or reset"
	}
	return msg
}

// Unwrap returns what is wrong with the rule.
func (e *RuleError) Unwrap() error { return e.Err }

// reason is what Redis says of a rule.
type reason string

func (r reason) Error() string { return string(r) }

// The words of ACLSetUserStringError and ACLStringSetUser of Redis's acl.c.
const (
	errUnknown      reason = "Unknown command or category name in ACL"
	errSyntax       reason = "Syntax error"
	errNoPassword   reason = "The password you are trying to remove from the user does not exist"
	errHash         reason = "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
	errUnclosed     reason = "Unmatched parenthesis in acl selector"
	errAfterAllKeys reason = "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. " +
		"Try 'resetkeys' to start with an empty list of patterns"
	errAfterAllChannels reason = "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. " +
		"Try 'resetchannels' to start with an empty list of channels"
	errFirstArgOfSubcommand reason = "Allowing first-arg of a subcommand is not supported"
)

// What Redis takes for something else than it looks like, or than Redis itself
// describes it as.
const (
	errQuote  reason = "Syntax error: quotes have no meaning here, so none may stand in a selector"
	errParen  reason = "Syntax error: within a selector only its last rule ends in a parenthesis"
	errNested reason = "Syntax error: a selector within another"
)

// applyAll changes the user by rules with white space between them, from left to
// right. It returns the first that is wrong, as it may be shown. Parentheses are
// looked at before anything else.
func (u *User) applyAll(rules string) (string, error) {
	words := strings.FieldsFunc(rules, isSpace)
	selectors := map[int]int{} // from the first word of each to the one after its last
	for i := 0; i < len(words); i++ {
		if words[i][0] != '(' {
			continue
		}
		n := slices.IndexFunc(words[i:], func(word string) bool { return strings.HasSuffix(word, ")") })
		if n < 0 {
			return words[i], errUnclosed
		}
		for _, word := range words[i+1 : i+n+1] {
			if word[0] == '(' {
				return word, errNested
			}
		}
		selectors[i] = i + n + 1
		i += n
	}
	for i := 0; i < len(words); i++ {
		if end := selectors[i]; end > 0 {
			if rule, err := u.addSelector(words[i:end]); err != nil {
				return rule, err
			}
			i = end - 1
			continue
		}
		if err := u.apply(words[i]); err != nil {
			return withoutPassword(words[i]), err
		}
	}
	return "", nil
}

// isSpace is C's.
func isSpace(r rune) bool { return r == ' ' || '\t' <= r && r <= '\r' }

// addSelector adds the permissions of the rules between a parenthesis at the
// beginning of the first and one at the end of the last.
func (u *User) addSelector(rules []string) (string, error) {
	s := newSelector(u.table)
	for i, rule := range rules {
		if i == 0 {
			rule = rule[1:]
		}
		if i == len(rules)-1 {
			rule = strings.TrimSuffix(rule, ")")
		}
		var err error
		switch {
		case rule == "":
			continue
		case rule[0] == '(': // the second of two
			err = errNested
		case strings.ContainsAny(rule, `"'`):
			err = errQuote
		case strings.HasSuffix(rule, ")"):
			err = errParen
		default:
			err = s.apply(rule)
		}
		if err != nil {
			return withoutPassword(rule), err
		}
	}
	u.selectors = append(u.selectors, s)
	return "", nil
}

// apply changes the user by one rule. It is ACLSetUser of Redis's acl.c.
func (u *User) apply(rule string) error {
	switch word := command.Lower(rule); word {
	case "on", "off":
		u.on = word == "on"
	case "skip-sanitize-payload":
		u.sanitize = skipSanitize
	case "sanitize-payload":
		u.sanitize = sanitize
	case "nopass", "resetpass":
		u.nopass, u.passwords = word == "nopass", nil
	case "clearselectors":
		u.selectors = u.selectors[:1]
	case "reset":
		*u = User{name: u.name, table: u.table, sanitize: sanitize, selectors: []selector{newSelector(u.table)}}
	default:
		switch rule[0] {
		case '>':
			u.addPassword(sha256.Sum256([]byte(rule[1:])))
		case '<':
			return u.removePassword(sha256.Sum256([]byte(rule[1:])))
		case '#', '!':
			d, ok := parseDigest(rule[1:])
			switch {
			case !ok:
				return errHash
			case rule[0] == '!':
				return u.removePassword(d)
			}
			u.addPassword(d)
		default:
			return u.selectors[0].apply(rule)
		}
	}
	return nil
}

// digest is the SHA-256 of a password.
type digest = [sha256.Size]byte

// parseDigest reads lower-case hexadecimal digits.
func parseDigest(s string) (d digest, ok bool) {
	if len(s) != hex.EncodedLen(len(d)) || command.Lower(s) != s {
		return d, false
	}
	_, err := hex.Decode(d[:], []byte(s))
	return d, err == nil
}

func (u *User) addPassword(d digest) {
	u.nopass = false
	if !slices.Contains(u.passwords, d) {
		u.passwords = append(u.passwords, d)
	}
}

func (u *User) removePassword(d digest) error {
	i := slices.Index(u.passwords, d)
	if i < 0 {
		return errNoPassword
	}
	u.passwords = slices.Delete(u.passwords, i, i+1)
	return nil
}

// withoutPassword returns a rule as it may stand in an error.
func withoutPassword(rule string) string {
	if strings.ContainsRune("><#!", rune(rule[0])) {
		return rule[:1] + "(redacted)"
	}
	return rule
}
