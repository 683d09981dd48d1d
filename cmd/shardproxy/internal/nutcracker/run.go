package nutcracker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strconv"

	"github.com/shardring/shardring/proxy"
	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/config"
)

// Why run ended: by SIGINT, after which nutcracker's exit code is 1, or by
// SIGTERM, of which nutcracker dies.
var (
	errInterrupted = errors.New("interrupted")
	errTerminated  = errors.New("terminated")
)

// run serves until a signal. up is told when it does.
func run(o Options, stderr io.Writer, version string, up *status) (err error) {
	log, err := OpenLog(o.Output, o.Verbose, stderr)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return err
	}
	defer func() {
		if err != nil && !errors.Is(err, errInterrupted) && !errors.Is(err, errTerminated) {
			log.Always("%v", err)
		}
		log.Always("done")
	}()
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	defer watchSignals(log, cancel)()
	if o.PidFile != "" {
		remove, err := writePid(o.PidFile)
		if err != nil {
			return err
		}
		defer remove()
	}
	log.Always("shardproxy %s as nutcracker-%s built for %s %s started on pid %d", version, Version, runtime.GOOS, runtime.GOARCH, os.Getpid())

	file, err := config.Load(o.conf())
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", net.JoinHostPort(o.StatsAddr, strconv.Itoa(o.StatsPort)))
	if err != nil {
		return fmt.Errorf("stats: %w", err)
	}
	defer ln.Close()
	p, err := proxy.New(file, proxy.Options{Log: slog.New(log)})
	if err != nil {
		return err
	}
	source, err := os.Hostname()
	if err != nil {
		source = "unknown"
	}
	go serveStats(ln, p.Stats, source)
	up.up()
	if err := p.Run(ctx); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// writePid writes the pid file and returns what removes it.
func writePid(path string) (remove func(), err error) {
	if err := os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())), 0o644); err != nil {
		return nil, fmt.Errorf("opening pid file '%s' failed: %w", path, cause(err))
	}
	return func() { _ = os.Remove(path) }, nil
}

// backendName is what -V says of the event loop.
func backendName() string {
	if engine.DefaultDriver() == engine.Epoll {
		return "epoll"
	}
	return "unknown"
}
