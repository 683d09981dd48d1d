package nutcracker

import (
	"fmt"
	"io"
)

// Version is that of the nutcracker this package stands in for.
const Version = "0.5.0"

func printUsage(w io.Writer) {
	d := Defaults()
	fmt.Fprintf(w, `Usage: nutcracker [-?hVdDt] [-v verbosity level] [-o output file]
                  [-c conf file] [-s stats port] [-a stats addr]
                  [-i stats interval] [-p pid file] [-m mbuf size]

Options:
  -h, --help             : this help
  -V, --version          : show version and exit
  -t, --test-conf        : test configuration for syntax errors and exit
  -d, --daemonize        : run as a daemon
  -D, --describe-stats   : print stats description and exit
  -v, --verbose=N        : set logging level (default: %d, min: 0, max: %d)
  -o, --output=S         : set logging file (default: stderr)
  -c, --conf-file=S      : set configuration file (default: %s)
  -s, --stats-port=N     : set stats monitoring port (default: %d)
  -a, --stats-addr=S     : set stats monitoring ip (default: %s)
  -i, --stats-interval=N : accepted, stats are read when asked for (default: %d msec)
  -p, --pid-file=S       : set pid file (default: off)
  -m, --mbuf-size=N      : accepted, there are no mbufs (default: %d bytes)

`, d.Verbose, maxVerbose, confPaths()[0], d.StatsPort, d.StatsAddr, d.StatsInterval, d.MbufSize)
}

// printVersion begins as nutcracker does, for scripts that look for it.
func printVersion(w io.Writer, shardproxy string) {
	fmt.Fprintf(w, "This is nutcracker-%s\nasync event backend: %s\nserved by shardproxy %s\n\n", Version, backendName(), shardproxy)
}

// describe prints what the statistics mean.
func describe(w io.Writer) {
	fmt.Fprintln(w, "pool stats:")
	for _, m := range poolMetrics() {
		fmt.Fprintf(w, "  %-20s\"%s\"\n", m.name, m.doc)
	}
	fmt.Fprintln(w, "\nserver stats:")
	for _, m := range serverMetrics() {
		fmt.Fprintf(w, "  %-20s\"%s\"\n", m.name, m.doc)
	}
}
