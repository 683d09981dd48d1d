package acl

import (
	"bufio"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/resp"
)

// replyRules are of users that a server describes in one way only.
var replyRules = map[string]string{
	"app":  ">one #" + shaTwo + " ~cache:* %R~a &news:* +@all -@all +get (%W~b allchannels +set) ()",
	"any":  "nopass allkeys allchannels +@all",
	"off":  "reset skip-sanitize-payload",
	"last": "+select|0",
	"two":  "+mget ~b (+mget ~a)",
}

// replyRequests are answered as a server does, byte by byte.
var replyRequests = []string{
	"ACL WHOAMI",
	"acl Users",
	"ACL LIST",
	"ACL GETUSER app", "ACL GETUSER any", "ACL GETUSER off", "ACL GETUSER last", "ACL GETUSER nobody", "ACL GETUSER APP",
	"ACL CAT", "ACL CAT nosuch", "ACL CAT read write",
	"ACL GENPASS 0", "ACL GENPASS 4097", "ACL GENPASS -1", "ACL GENPASS x", "ACL GENPASS 01", "ACL GENPASS 1 2",
	"ACL DRYRUN nobody get a", "ACL DRYRUN app nosuch a", "ACL DRYRUN app get", "ACL DRYRUN app get cache:1", "ACL DRYRUN app set cache:1 x",
	"ACL DRYRUN app set b x", "ACL DRYRUN app config", "ACL DRYRUN app config get x", "ACL DRYRUN app config nosuch x", "ACL DRYRUN app GET b",
	"ACL DRYRUN app config|get x", "ACL DRYRUN any flushall", "ACL DRYRUN last select 0", "ACL DRYRUN last select 1",
	"ACL DRYRUN two mget a b", "ACL DRYRUN two mget b a", "ACL DRYRUN two mget c a", "ACL DRYRUN two get a",
}

func TestReplies(t *testing.T) {
	s := live(t)
	var all []*User
	for name, rules := range replyRules {
		s.do(append([]string{"ACL", "SETUSER", name, "on"}, strings.Fields(rules)...)...)
		u, err := Parse(name, rules)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, u)
	}
	users, err := NewUsers(all...)
	if err != nil {
		t.Fatal(err)
	}
	for _, hello := range []string{"HELLO 2", "HELLO 3"} {
		for _, line := range replyRequests {
			want := raw(t, s.addr, hello, line)
			have := string(users.AppendReply(nil, command.Strings(strings.Fields(line)), users.Default(), hello == "HELLO 3"))
			if have != want {
				t.Errorf("%s: %s\n  have %q\nserver %q", hello, line, have, want)
			}
		}
	}
}

// raw returns a server's reply to the second of two lines.
func raw(t *testing.T, addr, first, second string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	var b []byte
	for _, line := range []string{first, "ECHO begin", second, "ECHO end", "QUIT"} {
		b = resp.AppendRequest(b, strings.Fields(line)...)
	}
	if _, err := conn.Write(b); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(bufio.NewReader(conn))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(all), "$5\r\nbegin\r\n")
	reply, _, _ := strings.Cut(rest, "$3\r\nend\r\n")
	return reply
}

// TestCatIsTheServers: the commands of each category, in any order, but for
// those that the table has and Redis 7.0 has not.
func TestCatIsTheServers(t *testing.T) {
	s := live(t)
	users, err := NewUsers()
	if err != nil {
		t.Fatal(err)
	}
	names := func(v any) []string {
		var all []string
		for _, name := range v.([]any) {
			if s.table.Named(name.(string)) != nil {
				all = append(all, name.(string))
			}
		}
		slices.Sort(all)
		return all
	}
	for _, c := range categories {
		have, want := names(reply(t, users, "ACL", "CAT", strings.ToUpper(c.name))), names(s.do("ACL", "CAT", c.name))
		if !slices.Equal(have, want) || len(want) == 0 {
			t.Errorf("%s: %q, the server has %q", c.name, have, want)
		}
	}
}

func TestHelpIsTheServersButForWhatIsRefused(t *testing.T) {
	s := live(t)
	users, err := NewUsers()
	if err != nil {
		t.Fatal(err)
	}
	theirs := s.do("ACL", "HELP").([]any)
	for _, line := range reply(t, users, "ACL", "HELP").([]any) {
		if !slices.Contains(theirs, line) {
			t.Errorf("%q is not a line of the server's", line)
		}
	}
}

func TestGenpass(t *testing.T) {
	users, err := NewUsers()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[any]bool{}
	for bits, digits := range map[string]int{"": 64, "1": 1, "4": 1, "5": 2, "256": 64, "4096": 1024} {
		password, _ := reply(t, users, strings.Fields("ACL GENPASS "+bits)...).(string)
		if len(password) != digits || !regexp.MustCompile("^[0-9a-f]*$").MatchString(password) {
			t.Errorf("%s bits: %q, want %d digits", bits, password, digits)
		}
		if seen[password] {
			t.Errorf("%q came twice", password)
		}
		seen[password] = digits > 2
	}
}

func TestRefusedReplies(t *testing.T) {
	users, err := NewUsers()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"ACL SETUSER x on", "ACL DELUSER default", "ACL LOAD", "ACL SAVE", "ACL LOG", "ACL LOG RESET"} {
		have := string(users.AppendReply(nil, command.Strings(strings.Fields(line)), users.Default(), false))
		if want := "-ERR shardring: 'acl|" + strings.ToLower(strings.Fields(line)[1]) + "' is not supported: the users are those of the proxy's configuration file\r\n"; have != want {
			t.Errorf("%s: %q, want %q", line, have, want)
		}
	}
}
