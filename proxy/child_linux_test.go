package proxy_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/shardring/shardring/proxy"
	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/config"
	"github.com/shardring/shardring/shard/shardtest"
)

// asProxy makes this test program a proxy with this driver: a process of its
// own, whose memory is the proxy's alone.
const asProxy = "PROXY_TEST_DRIVER"

func TestMain(m *testing.M) {
	if driver := os.Getenv(asProxy); driver != "" {
		if err := runAsProxy(os.Args[1], engine.Driver(driver)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func runAsProxy(path string, d engine.Driver) error {
	file, err := config.Load(path)
	if err != nil {
		return err
	}
	p, err := proxy.New(file, proxy.Options{Driver: d, Loops: 1})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return p.Run(ctx)
}

// child is a proxy in a process of its own.
type child struct {
	serving
	*shardtest.Server
}

// serveApart starts one until the test ends.
func serveApart(t *testing.T, d engine.Driver, servers []*shardtest.Server, lines ...string) *child {
	t.Helper()
	server := shardtest.Run(t, shardtest.Spec{
		Name:    "proxy (" + string(d) + ")",
		Program: os.Args[0],
		Args:    []string{"${CONFIG}"},
		Env:     []string{asProxy + "=" + string(d)},
		Config:  poolOf(servers, append(lines, "listen: ${ADDR}")...),
		Ready:   shardtest.ReadyRedis,
	})
	return &child{serving: serving{network: "tcp", addr: server.Addr}, Server: server}
}

// memory returns a figure of /proc/PID/status in bytes: VmRSS, or VmHWM for
// its peak.
func (c *child) memory(t *testing.T, figure string) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), figure+":")
	line, _, _ := strings.Cut(rest, " kB")
	kib, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("%s in /proc/%d/status: %v", figure, c.Pid(), err)
	}
	return kib << 10
}
