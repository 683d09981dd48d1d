package migrate

import (
	"context"
	"fmt"
	"net"
	"slices"
)

// apart says why one of two nodes cannot find the other by its address, "" if nothing is
// known against it: what is this machine to us is another one to a node elsewhere.
func apart(ctx context.Context, source, target string) string {
	const line = "%s would look for the other one at %s, which is its own machine: %s by an address that it reaches"
	switch {
	case isLoopback(ctx, source) && !isHere(ctx, target):
		return fmt.Sprintf(line, target, source, "name the shard in the file")
	case isLoopback(ctx, target) && !isHere(ctx, source):
		return fmt.Sprintf(line, source, target, "name it in --to")
	}
	return ""
}

// ipsOf are the addresses of a host:port; none if it has no such name.
func ipsOf(ctx context.Context, addr string) []net.IP {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil
	}
	ips, _ := net.DefaultResolver.LookupIP(ctx, "ip", host)
	return ips
}

// isLoopback says that all of an address's are the machine's own.
func isLoopback(ctx context.Context, addr string) bool {
	ips := ipsOf(ctx, addr)
	return len(ips) > 0 && !slices.ContainsFunc(ips, func(ip net.IP) bool { return !ip.IsLoopback() })
}

// isHere says that an address may be of this machine.
func isHere(ctx context.Context, addr string) bool {
	ips := ipsOf(ctx, addr)
	own, err := net.InterfaceAddrs()
	return err != nil || len(ips) == 0 || slices.ContainsFunc(ips, func(ip net.IP) bool {
		return ip.IsLoopback() || slices.ContainsFunc(own, func(a net.Addr) bool { n, ok := a.(*net.IPNet); return ok && n.IP.Equal(ip) })
	})
}
