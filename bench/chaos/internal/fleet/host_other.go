//go:build !linux

package fleet

import (
	"context"
	"errors"
)

var errNoHosts = errors.New("hosts of their own are network namespaces of Linux")

type network struct{}

// TryHosts says why Spec.Hosts cannot be had here.
func TryHosts(context.Context) error { return errNoHosts }

// Host is one network namespace; there are none here.
type Host struct{ IP string }

func newNetwork(context.Context) (*network, error)      { return nil, errNoHosts }
func (*network) host(context.Context) (*Host, error)    { return nil, errNoHosts }
func (*network) close() error                           { return nil }
func (*Host) args(program string, _ ...string) []string { return []string{program} }

func (*Host) Unplug() error         { return errNoHosts }
func (*Host) Plug() error           { return errNoHosts }
func (*Host) Shun(...*Host) error   { return errNoHosts }
func (*Host) Rejoin(...*Host) error { return errNoHosts }
