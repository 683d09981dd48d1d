package engine

import (
	"bufio"
	"context"
	"net"
	"testing"
	"time"
)

// answers reports whether somebody serves at an address.
func answers(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	c.Write([]byte("PING\r\n"))
	line, _ := bufio.NewReader(c).ReadString('\n')
	return line == "+PONG\r\n"
}

// plain is a listener that the epoll driver cannot use: it has no descriptor.
type plain struct{ net.Listener }

// TestServeRefused: pools that cannot all be served change nothing.
func TestServeRefused(t *testing.T) {
	if DefaultDriver() != Epoll {
		t.Log("every listener can be used here")
		return
	}
	e := idleEngine(t, Epoll)
	first := Pool{e.pools[0].shared, e.doors[0].ln}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { e.Run(ctx); close(ended) }()
	defer func() { cancel(); <-ended }()

	a, b := idlePool(t, "a"), idlePool(t, "b")
	listener := b.Listener
	b.Listener = plain{listener}
	if err := e.Serve([]Pool{a, b}); err == nil {
		t.Fatal("a listener without a descriptor is accepted")
	}
	if at := first.Listener.Addr().String(); !answers(at) || answers(a.Listener.Addr().String()) || len(e.pools) != 1 {
		t.Errorf("not as before: %d pools", len(e.pools))
	}
	b.Listener = listener
	c := idlePool(t, "c")
	if err := e.Serve([]Pool{first, b, c}); err != nil {
		t.Fatal(err)
	}
	for _, p := range []Pool{first, b, c} {
		if !answers(p.Listener.Addr().String()) {
			t.Errorf("%s is not served", p.Shared.Config().Name)
		}
	}
	if err := e.Serve([]Pool{first}); err != nil || answers(c.Listener.Addr().String()) {
		t.Errorf("c is still served, %v", err)
	}
}

// TestServeWhileItEnds: who wants other pools while the engine ends does not wait for
// ever.
func TestServeWhileItEnds(t *testing.T) {
	drivers := []Driver{Goroutine}
	if d := DefaultDriver(); d != Goroutine {
		drivers = append(drivers, d)
	}
	for _, d := range drivers {
		for range 20 {
			e := idleEngine(t, d)
			first := Pool{e.pools[0].shared, e.doors[0].ln}
			ctx, cancel := context.WithCancel(context.Background())
			ended, served := make(chan struct{}), make(chan struct{})
			go func() { e.Run(ctx); close(ended) }()
			go func() {
				defer close(served)
				for range 5 {
					p := idlePool(t, "p")
					if e.Serve([]Pool{first, p}) != nil {
						p.Listener.Close()
					}
					_ = e.Serve([]Pool{first})
				}
			}()
			cancel()
			<-ended
			select {
			case <-served:
			case <-time.After(10 * time.Second):
				t.Fatalf("%s: Serve has not returned 10 s after the engine ended", d)
			}
		}
	}
}
