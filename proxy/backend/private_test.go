package backend

import (
	"testing"
	"time"
)

// dropper gives its connection up when its call fails, as a session does that needs
// it no longer.
type dropper struct {
	call Call
	c    *Conn
}

func (d *dropper) Reply(*Call, []byte, bool) {}
func (d *dropper) Fail(*Call, *Error)        { d.c.Drop() }

// A connection that is dropped within Expire has ended once.
func TestDropWhenTimeIsOver(t *testing.T) {
	s := newScript(t, Config{Timeout: 100 * time.Millisecond})
	s.play("begin a => wake dialing", "write => wrote() dialing", "connected => wake ready", "write => wrote(a) ready", `recv +OK\r\n => a:+OK| ready`)
	d := &dropper{c: s.c}
	d.call.To = d
	s.c.Begin(&d.call, s.now)
	s.play("begin b => ready")
	s.play("wait 100ms => b:connection lost/unsent closing")
	if n := s.c.Stats; n.Errors != 0 || n.Timeouts != 1 {
		t.Errorf("%d errors and %d timeouts", n.Errors, n.Timeouts)
	}
	s.play("closed => retired")
}
