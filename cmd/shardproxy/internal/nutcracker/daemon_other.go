//go:build !unix

package nutcracker

import "errors"

func daemonize([]string) error {
	return errors.New("-d: there are no daemons on this system, run it as a service")
}

func detach() {}
