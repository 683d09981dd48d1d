package nutcracker

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/shardring/shardring/shard/config"
)

const (
	exitOK     = 0
	exitFailed = 1

	exitTerminated = 128 + 15 // what a shell says of a process that SIGTERM ended
)

// Named reports whether a program was called by the name nutcracker.
func Named(argv0 string) bool {
	return strings.TrimSuffix(filepath.Base(argv0), ".exe") == "nutcracker"
}

// Main does what nutcracker does with these arguments and returns its exit
// code. version is shardproxy's, for -V. After SIGTERM it does not return: the
// process ends by the signal.
func Main(args []string, stderr io.Writer, version string) int {
	o, err := Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "nutcracker: %v\n", err)
		printUsage(stderr)
		return exitFailed
	}
	switch {
	case o.Help || o.Version || o.Describe:
		printVersion(stderr, version)
		if o.Help {
			printUsage(stderr)
		}
		if o.Describe {
			describe(stderr)
		}
		return exitOK
	case o.Test:
		return test(o.conf(), stderr)
	}
	up, daemon := daemonStatus()
	if o.Daemonize && !daemon {
		if err := daemonize(args); err != nil {
			fmt.Fprintf(stderr, "nutcracker: %v\n", err)
			return exitFailed
		}
		return exitOK
	}
	err = run(o, stderr, version, up)
	up.failed(err) // does nothing once it was up
	if errors.Is(err, errTerminated) {
		dieTerminated()
		return exitTerminated
	}
	if err != nil {
		return exitFailed
	}
	return exitOK
}

// confPaths are where the configuration is looked for without -c: where
// nutcracker does, then where Debian's does.
func confPaths() []string {
	return []string{"conf/nutcracker.yml", "/etc/nutcracker/nutcracker.yml"}
}

// conf returns the path of the configuration.
func (o *Options) conf() string {
	if o.Conf != "" {
		return o.Conf
	}
	paths := confPaths()
	for _, p := range paths {
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	return paths[0]
}

// test is -t.
func test(path string, stderr io.Writer) int {
	if _, err := config.Load(path); err != nil {
		var problems config.Errors
		if errors.As(err, &problems) {
			fmt.Fprint(stderr, problems.Pretty())
		} else {
			fmt.Fprintf(stderr, "nutcracker: %v\n", err)
		}
		fmt.Fprintf(stderr, "nutcracker: configuration file '%s' syntax is invalid\n", path)
		return exitFailed
	}
	fmt.Fprintf(stderr, "nutcracker: configuration file '%s' syntax is ok\n", path)
	return exitOK
}

// cause is an error without the path, for messages that name it.
func cause(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
