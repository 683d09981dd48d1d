package config

import (
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
)

const (
	maxSocketPath = 107     // bytes of a unix socket's path on Linux
	memcachedPort = "11211" // nutcracker leaves this port out of a server's name
)

// Address is where a server is reached. Network and Addr are what net.Dial
// takes.
type Address struct {
	Network string // "tcp" or "unix"
	Addr    string // "host:port", an IPv6 host in brackets, or "/path"
}

// String returns the address as a file holds it.
func (a Address) String() string { return a.Addr }

// Listen is where a pool listens. The zero Listen is nowhere: the pool is for
// the library only.
type Listen struct {
	Network string      // "tcp" or "unix"
	Address string      // "host:port" (port 0: the kernel chooses), or "/path"
	Mode    fs.FileMode // permissions of the unix socket; 0 leaves them to the umask
}

// IsZero says that the pool listens nowhere.
func (l Listen) IsZero() bool { return l == Listen{} }

// AnyPort reports whether the kernel chooses the port.
func (l Listen) AnyPort() bool { return l.Network == "tcp" && strings.HasSuffix(l.Address, ":0") }

// String returns the address as a file holds it, "/path 0660" for a unix
// socket with permissions.
func (l Listen) String() string {
	if l.Mode != 0 {
		return fmt.Sprintf("%s %04o", l.Address, l.Mode)
	}
	return l.Address
}

// parseListen reads "host:port" or "/path [octal permissions]".
func parseListen(s string) (Listen, error) {
	if !strings.HasPrefix(s, "/") {
		host, port, err := splitHostPort(s, bareIPv6)
		if err != nil {
			return Listen{}, err
		}
		if err := checkPort(port, 0); err != nil {
			return Listen{}, err
		}
		if err := checkHost(host); err != nil {
			if host == "" || host == "*" {
				err = fmt.Errorf("no host to listen on: 0.0.0.0:%s is every interface, 127.0.0.1:%s this machine only", port, port)
			}
			return Listen{}, err
		}
		return Listen{Network: "tcp", Address: join(host, port)}, nil
	}
	path, perm, hasPerm := cutLast(s, ' ')
	if err := checkSocketPath(path); err != nil {
		return Listen{}, err
	}
	l := Listen{Network: "unix", Address: path}
	if hasPerm {
		mode, err := strconv.ParseUint(perm, 8, 32)
		if err != nil || mode > 0o777 {
			return Listen{}, fmt.Errorf("permissions %q are not octal from 0 to 0777", perm)
		}
		l.Mode = fs.FileMode(mode)
	}
	return l, nil
}

// parseAddress reads "host:port" or "/path". Its second result is the name
// nutcracker gives a server there.
func parseAddress(s string) (Address, string, error) {
	if strings.HasPrefix(s, "/") {
		return Address{"unix", s}, s + ":", checkSocketPath(s)
	}
	host, port, err := splitHostPort(s, bracketedIPv6)
	if err != nil {
		return Address{}, "", err
	}
	return tcpAddress(host, port, s)
}

// tcpAddress checks host and port; written is "host:port" as the file has it.
func tcpAddress(host, port, written string) (Address, string, error) {
	if err := checkHost(host); err != nil {
		return Address{}, "", err
	}
	if err := checkPort(port, 1); err != nil {
		return Address{}, "", err
	}
	name := written
	if n, _ := strconv.Atoi(port); strconv.Itoa(n) == memcachedPort {
		name = strings.TrimSuffix(written, ":"+port)
	}
	return Address{"tcp", join(host, port)}, name, nil
}

// serverLine is one element of servers:.
type serverLine struct {
	name    string // "" when the line gives none
	unnamed string // the name nutcracker gives a server without one
	weight  int
	addr    Address
}

const serverForm = `"host:port:weight name" or "/path:weight name", the name may be left out`

// parseServer reads an element of servers: from its end, as nutcracker does:
// the last space starts the name, the last colon before it the weight.
func parseServer(s string) (serverLine, error) {
	var l serverLine
	rest, name, named := cutLast(s, ' ')
	if named && name == "" {
		return l, fmt.Errorf("a space and no name at the end: want %s", serverForm)
	}
	if strings.Contains(rest, " ") {
		return l, fmt.Errorf("more than one space: want %s", serverForm)
	}
	l.name = name
	where, weight, ok := cutLast(rest, ':')
	if !ok {
		return l, fmt.Errorf("no weight: want %s", serverForm)
	}
	var err error
	if l.weight, err = parseCount(weight, 1, maxInt); err != nil {
		return l, fmt.Errorf("weight %w: want %s", err, serverForm)
	}
	if strings.HasPrefix(where, "/") {
		if strings.Contains(where, ":") {
			return l, fmt.Errorf("a colon in the socket's path: want %s", serverForm)
		}
		l.addr, l.unnamed, err = parseAddress(where)
		return l, err
	}
	if !strings.Contains(where, ":") {
		return l, fmt.Errorf("no port or no weight: want %s", serverForm)
	}
	host, port, err := splitHostPort(where, bareIPv6)
	if err != nil {
		return l, err
	}
	l.addr, l.unnamed, err = tcpAddress(host, port, where)
	return l, err
}

// How an IPv6 address may stand before its port. nutcracker cuts at the last
// colon whatever is left of it; our own keys want brackets, because
// fd00::1:6379 is an address itself.
const (
	bareIPv6      = true
	bracketedIPv6 = false
)

func splitHostPort(s string, bare bool) (host, port string, err error) {
	host, port, ok := cutLast(s, ':')
	if !ok {
		return "", "", fmt.Errorf("no port: want host:port or /path")
	}
	inner, open := strings.CutPrefix(host, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	switch {
	case open && closed:
		if addr, err := netip.ParseAddr(inner); err != nil || !addr.Is6() {
			return "", "", fmt.Errorf("%q is not an IPv6 address", inner)
		}
		return inner, port, nil
	case strings.Contains(host, ":") && !bare:
		return "", "", fmt.Errorf("more than one colon: want host:port, an IPv6 address in brackets as [::1]:6379")
	}
	return host, port, nil
}

// checkHost accepts an IP address or what may be a host name. Names are looked
// up when they are dialled, not here.
func checkHost(host string) error {
	if host == "" {
		return fmt.Errorf("no host before the port")
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	for _, c := range host {
		name := c == '.' || c == '-' || c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
		if !name || len(host) > 253 {
			return fmt.Errorf("%q is neither a host name nor an IP address", host)
		}
	}
	return nil
}

func checkPort(port string, least int) error {
	if _, err := parseCount(port, least, 65535); err != nil {
		return fmt.Errorf("port %w", err)
	}
	return nil
}

func checkSocketPath(path string) error {
	if len(path) > maxSocketPath {
		return fmt.Errorf("a socket's path of %d bytes: the kernel takes %d", len(path), maxSocketPath)
	}
	// nutcracker's name for a server without one is its path.
	if strings.ContainsFunc(path, unicode.IsControl) {
		return fmt.Errorf("control characters cannot stand in a socket's path")
	}
	return nil
}

func join(host, port string) string {
	n, _ := strconv.Atoi(port) // 06379 is 6379 to nutcracker
	return net.JoinHostPort(host, strconv.Itoa(n))
}

// cutLast splits s around the last sep.
func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
