package fleet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// network is a bridge with hosts on it, each a network namespace of its own. Names
// hold this process's id, so that what a killed one left behind is recognised.
type network struct {
	name   string
	prefix string // "10.203.7."
	hosts  []*Host
}

// Host is one network namespace.
type Host struct {
	IP    string
	space string // the namespace
	cable string // its end of the cable at the bridge
}

const ours = "chaos"

// newNetwork makes the bridge, of a subnet that nobody here uses.
func newNetwork(ctx context.Context) (*network, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("network namespaces want root")
	}
	removeLeft(ctx)
	used, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	n := &network{name: fmt.Sprintf("%s%d", ours, os.Getpid())}
	for third := range 255 {
		n.prefix = fmt.Sprintf("10.203.%d.", third)
		if !strings.Contains(fmt.Sprint(used), n.prefix) {
			break
		}
	}
	return n, each(ctx,
		"link add "+n.name+" type bridge",
		"addr add "+n.prefix+"1/24 dev "+n.name,
		"link set "+n.name+" up")
}

// TryHosts says why Spec.Hosts cannot be had here; nil: it can.
func TryHosts(ctx context.Context) error {
	n, err := newNetwork(ctx)
	if err != nil {
		return err
	}
	_, err = n.host(ctx)
	return errors.Join(err, n.close())
}

// host adds one, with its cable plugged in.
func (n *network) host(ctx context.Context) (*Host, error) {
	number := len(n.hosts) + 2
	h := &Host{
		IP:    fmt.Sprintf("%s%d", n.prefix, number),
		space: fmt.Sprintf("%s-%d", n.name, number),
		cable: fmt.Sprintf("c%d-%d", os.Getpid(), number),
	}
	n.hosts = append(n.hosts, h)
	return h, each(ctx,
		"netns add "+h.space,
		"link add "+h.cable+" type veth peer name eth0 netns "+h.space,
		"link set "+h.cable+" master "+n.name+" up",
		"-n "+h.space+" link set lo up",
		"-n "+h.space+" addr add "+h.IP+"/24 dev eth0",
		"-n "+h.space+" link set eth0 up")
}

// args are those of ip that run a program on the host.
func (h *Host) args(program string, args ...string) []string {
	return append([]string{"netns", "exec", h.space, program}, args...)
}

// Unplug pulls the cable: what is sent to and by the host vanishes.
func (h *Host) Unplug() error { return ip(context.Background(), "link set "+h.cable+" down") }

// Plug puts it back.
func (h *Host) Plug() error { return ip(context.Background(), "link set "+h.cable+" up") }

// Shun drops what the host sends to others, on its side; the rest still reaches it.
func (h *Host) Shun(others ...*Host) error { return h.routes("add", others) }

// Rejoin ends Shun.
func (h *Host) Rejoin(others ...*Host) error { return h.routes("del", others) }

func (h *Host) routes(verb string, others []*Host) error {
	var errs []error
	for _, o := range others {
		errs = append(errs, ip(context.Background(), "-n "+h.space+" route "+verb+" blackhole "+o.IP+"/32"))
	}
	return errors.Join(errs...)
}

func (n *network) close() error {
	var errs []error
	for _, h := range n.hosts {
		errs = append(errs, ip(context.Background(), "netns del "+h.space)) // its cable goes with it
	}
	return errors.Join(append(errs, ip(context.Background(), "link del "+n.name))...)
}

// removeLeft removes what processes left behind that are no more.
func removeLeft(ctx context.Context) {
	name := regexp.MustCompile(`^` + ours + `(\d+)(-\d+)?$`)
	gone := func(text string) bool {
		m := name.FindStringSubmatch(text)
		if m == nil {
			return false
		}
		pid, _ := strconv.Atoi(m[1])
		_, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
		return os.IsNotExist(err)
	}
	spaces, _ := os.ReadDir("/run/netns")
	for _, s := range spaces {
		if gone(s.Name()) {
			_ = ip(ctx, "netns del "+s.Name())
		}
	}
	links, _ := net.Interfaces()
	for _, l := range links {
		if gone(l.Name) {
			_ = ip(ctx, "link del "+l.Name)
		}
	}
}

func each(ctx context.Context, commands ...string) error {
	for _, c := range commands {
		if err := ip(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func ip(ctx context.Context, command string) error {
	out, err := exec.CommandContext(ctx, "ip", strings.Fields(command)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", command, err, strings.TrimSpace(string(out)))
	}
	return nil
}
