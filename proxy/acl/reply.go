package acl

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/resp"
)

// AppendReply appends the reply to an ACL request that passed Resolve, from a
// client whose user is self, in RESP2 or RESP3. It answers what reads: CAT,
// DRYRUN, GENPASS, GETUSER, HELP, LIST, USERS and WHOAMI, as Redis does. What
// changes users is refused, as they are the configuration's, and so is LOG:
// nothing is kept for it.
func (us *Users) AppendReply(dst []byte, a command.Args, self *User, resp3 bool) []byte {
	w := writer{dst, resp3}
	us.reply(&w, a, self)
	return w.dst
}

func (us *Users) reply(w *writer, a command.Args, self *User) {
	n := a.Len()
	if n < 2 {
		w.error("ERR wrong number of arguments for 'acl' command")
		return
	}
	switch sub := command.Lower(a.At(1)); {
	case sub == "whoami" && n == 2:
		w.bulk(self.name)
	case sub == "users" && n == 2:
		w.array(len(us.all))
		for _, u := range us.all {
			w.bulk(u.name)
		}
	case sub == "list" && n == 2:
		w.array(len(us.all))
		for _, u := range us.all {
			w.bulk(u.String())
		}
	case sub == "getuser" && n == 3:
		if u := us.byName[string(a.At(2))]; u != nil {
			u.reply(w)
		} else {
			w.null()
		}
	case sub == "cat" && n == 2:
		w.array(len(categories))
		for _, c := range categories {
			w.bulk(c.name)
		}
	case sub == "cat" && n == 3:
		replyCategory(w, a.At(2))
	case sub == "genpass" && n == 2:
		replyPassword(w, []byte("256"))
	case sub == "genpass" && n == 3:
		replyPassword(w, a.At(2))
	case sub == "dryrun" && n >= 4:
		us.replyDryRun(w, a.At(2), command.Tail(a, 3))
	case sub == "help" && n == 2:
		w.array(len(help))
		for _, line := range help {
			w.dst = resp.AppendSimple(w.dst, line)
		}
	case sub == "setuser" || sub == "deluser" || sub == "load" || sub == "save" || sub == "log":
		w.error("ERR shardring: 'acl|" + sub + "' is not supported: the users are those of the proxy's configuration file")
	default:
		w.error("ERR unknown subcommand or wrong number of arguments for '" + cutAtZero(a.At(1), 128) + "'. Try ACL HELP.")
	}
}

// reply writes the user as ACL GETUSER shows it.
func (u *User) reply(w *writer) {
	w.mapping(6)
	w.bulk("flags")
	w.set(u.flags())
	w.bulk("passwords")
	w.array(len(u.passwords))
	for _, d := range u.passwords {
		w.bulk(hex.EncodeToString(d[:]))
	}
	u.selectors[0].reply(w)
	w.bulk("selectors")
	w.array(len(u.selectors) - 1)
	for i := 1; i < len(u.selectors); i++ {
		w.mapping(3)
		u.selectors[i].reply(w)
	}
}

// reply writes three fields.
func (s *selector) reply(w *writer) {
	for _, field := range [...]string{"commands", s.text, "keys", s.describeKeys(), "channels", s.describeChannels()} {
		w.bulk(field)
	}
}

// replyCategory writes the commands of a category.
func replyCategory(w *writer, name []byte) {
	bit := command.Category(string(name))
	if bit == 0 {
		w.error("ERR Unknown category '" + cutAtZero(name, 128) + "'")
		return
	}
	var names []string
	for cmd := range command.Builtin().All() {
		if cmd.Categories&bit != 0 {
			names = append(names, cmd.Name)
		}
	}
	w.array(len(names))
	for _, n := range names {
		w.bulk(n)
	}
}

const genpassBits = 4096 // at most

// replyPassword writes a random password of that many bits, in hexadecimal digits.
func replyPassword(w *writer, arg []byte) {
	bits, err := strconv.Atoi(string(arg))
	switch {
	case err != nil || strconv.Itoa(bits) != string(arg):
		w.error("ERR value is not an integer or out of range")
		return
	case bits < 1 || bits > genpassBits:
		w.error("ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to " + strconv.Itoa(genpassBits))
		return
	}
	digits := (bits + 3) / 4
	random := make([]byte, (digits+1)/2)
	_, _ = rand.Read(random) // it never fails
	w.bulk(hex.EncodeToString(random)[:digits])
}

// replyDryRun says whether a user may do what a request asks.
func (us *Users) replyDryRun(w *writer, name []byte, request command.Args) {
	u := us.byName[string(name)]
	if u == nil {
		w.error("ERR User '" + cutAtZero(name, len(name)) + "' not found")
		return
	}
	cmd := u.table.Lookup(request.At(0))
	if cmd != nil && len(cmd.Subcommands) > 0 && request.Len() > 1 {
		cmd = cmd.Subcommand(request.At(1))
	}
	if cmd == nil {
		w.error("ERR Command '" + cutAtZero(request.At(0), len(request.At(0))) + "' not found")
		return
	}
	if n := request.Len(); cmd.Arity > 0 && n != cmd.Arity || n < -cmd.Arity {
		w.error("ERR wrong number of arguments for '" + cmd.Name + "' command")
		return
	}
	switch v := u.check(cmd, request, &Scratch{}); v.denied {
	case nothing:
		w.dst = resp.AppendSimple(w.dst, "OK")
	case theCommand:
		w.bulk("This user has no permissions to run the '" + cmd.Name + "' command")
	default:
		arg := request.At(v.at)
		kind := map[denial]string{aKey: "key", aChannel: "channel"}[v.denied]
		w.bulk("This user has no permissions to access the '" + cutAtZero(arg, len(arg)) + "' " + kind)
	}
}

// cutAtZero returns what C prints of b: at most limit bytes, none from a zero on.
func cutAtZero(b []byte, limit int) string {
	b = b[:min(len(b), limit)]
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

// help is Redis's, without what is refused.
var help = strings.Split(`ACL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:
CAT [<category>]
    List all commands that belong to <category>, or all command categories
    when no category is specified.
DRYRUN <username> <command> [<arg> ...]
    Returns whether the user can execute the given command without executing the command.
GETUSER <username>
    Get the user's details.
GENPASS [<bits>]
    Generate a secure 256-bit user password. The optional `+"`bits`"+` argument can
    be used to specify a different size.
LIST
    Show users details in config file format.
USERS
    List all the registered usernames.
WHOAMI
    Return the current connection username.
HELP
    Prints this help.`, "\n")

// writer appends replies in one of the two protocols.
type writer struct {
	dst   []byte
	resp3 bool
}

func (w *writer) bulk(s string)  { w.dst = resp.AppendBulk(w.dst, s) }
func (w *writer) array(n int)    { w.dst = resp.AppendArray(w.dst, n) }
func (w *writer) error(s string) { w.dst = resp.AppendError(w.dst, s) }

// mapping begins n pairs.
func (w *writer) mapping(n int) {
	if w.resp3 {
		w.dst = resp.AppendMap(w.dst, n)
	} else {
		w.array(2 * n)
	}
}

func (w *writer) set(elements []string) {
	if w.resp3 {
		w.dst = resp.AppendSet(w.dst, len(elements))
	} else {
		w.array(len(elements))
	}
	for _, e := range elements {
		w.bulk(e)
	}
}

func (w *writer) null() {
	if w.resp3 {
		w.dst = append(w.dst, "_\r\n"...)
	} else {
		w.dst = resp.AppendNull(w.dst)
	}
}
