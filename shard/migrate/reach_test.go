package migrate

import (
	"net"
	"strings"
	"testing"
)

// TestApart: only addresses that mean another machine to the other node are refused.
func TestApart(t *testing.T) {
	const elsewhere = "192.0.2.7:6379" // RFC 5737: nobody's
	for _, c := range []struct{ source, target, want string }{
		{"127.0.0.1:1", "127.0.0.1:2", ""},
		{"127.0.0.1:1", "[::1]:2", ""},
		{"localhost:1", "127.0.0.2:2", ""},
		{elsewhere, "198.51.100.1:6379", ""},
		{"no-such-host.invalid:1", "127.0.0.1:2", ""},
		{"127.0.0.1:1", elsewhere, elsewhere + " would look for the other one at 127.0.0.1:1, which is its own machine: name the shard in the file"},
		{"localhost:1", elsewhere, "name the shard in the file by an address that it reaches"},
		{elsewhere, "[::1]:2", elsewhere + " would look for the other one at [::1]:2, which is its own machine: name it in --to"},
	} {
		if have := apart(t.Context(), c.source, c.target); (have == "") != (c.want == "") || !strings.Contains(have, c.want) {
			t.Errorf("%s to %s: %q, want %q", c.source, c.target, have, c.want)
		}
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range own {
		if ip := a.(*net.IPNet).IP; ip.IsGlobalUnicast() {
			if have := apart(t.Context(), "127.0.0.1:1", net.JoinHostPort(ip.String(), "2")); have != "" {
				t.Errorf("%s is of this machine: %s", ip, have)
			}
		}
	}
}
