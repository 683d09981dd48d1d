package acl

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"

	"github.com/shardring/shardring/shard/config"
)

// Users are the users of a pool. They are immutable, and there is always one
// called default.
type Users struct {
	all     []*User // by name
	byName  map[string]*User
	nobody  *User // in the place of an unknown one
	compare int   // how many passwords are compared, whoever logs in
}

// NewUsers makes a set of users of different names. If none is called default it
// adds Redis's: it may do everything, and asks for no password.
func NewUsers(users ...*User) (*Users, error) {
	us := &Users{byName: map[string]*User{}, nobody: &User{}, compare: 1}
	for _, u := range users {
		if us.byName[u.name] != nil {
			return nil, fmt.Errorf("user %s: defined twice", u.name)
		}
		us.add(u)
	}
	if us.Default() == nil {
		u, err := Parse(DefaultName, unlimitedRules+" nopass")
		if err != nil {
			return nil, err
		}
		us.add(u)
	}
	slices.SortFunc(us.all, func(a, b *User) int { return cmp.Compare(a.name, b.name) })
	return us, nil
}

// unlimitedRules allow everything.
const unlimitedRules = "~* &* +@all"

func (us *Users) add(u *User) {
	us.all = append(us.all, u)
	us.byName[u.name] = u
	us.compare = max(us.compare, len(u.passwords))
}

// ForPool returns the users of a pool: those of users:, and a default user which
// may do everything if none is listed, with redis_auth as its password if there is
// one. Its error names the pool and every user whose rules are wrong.
func ForPool(p *config.Pool) (*Users, error) {
	var users []*User
	var wrong []error
	for _, c := range p.Users {
		passwords := make([]string, len(c.Passwords))
		for i, secret := range c.Passwords {
			passwords[i] = secret.Value()
		}
		u, err := Parse(c.Name, c.Rules, passwords...)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("pool %s: %w", p.Name, err))
			continue
		}
		users = append(users, u)
	}
	if !p.Auth.IsZero() {
		u, err := Parse(DefaultName, unlimitedRules, p.Auth.Value())
		users, wrong = append(users, u), append(wrong, err)
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	us, err := NewUsers(users...)
	if err != nil {
		return nil, fmt.Errorf("pool %s: %w", p.Name, err)
	}
	return us, nil
}

// All returns the users by name. The caller does not change the slice.
func (us *Users) All() []*User { return us.all }

// Named returns the user of that name, nil if there is none.
func (us *Users) Named(name string) *User { return us.byName[name] }

// Default returns the user called default.
func (us *Users) Default() *User { return us.byName[DefaultName] }

// Initial returns the user of a client that has not logged in: the default user
// if it is on and needs no password, else nil, and the client has to log in first.
func (us *Users) Initial() *User {
	if u := us.Default(); u.on && u.nopass {
		return u
	}
	return nil
}

// Authenticate returns the user whose name and password these are, if it is on.
// How long it takes tells nothing of the passwords, of how many there are, or of
// whether there is such a user: the password's SHA-256 is compared as often for
// each, whether one has matched or not.
func (us *Users) Authenticate(name, password []byte) (*User, bool) {
	given := sha256.Sum256(password)
	u := us.byName[string(name)]
	if u == nil {
		u = us.nobody
	}
	match := 0
	for i := range us.compare {
		var own digest
		known := 0
		if i < len(u.passwords) {
			own, known = u.passwords[i], 1
		}
		match |= known & subtle.ConstantTimeCompare(given[:], own[:])
	}
	if !u.on || !u.nopass && match == 0 {
		return nil, false
	}
	return u, true
}
