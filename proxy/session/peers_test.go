package session

import (
	"strconv"
	"strings"
	"testing"

	"github.com/shardring/shardring/shard/config"
)

// simPeers are two worlds' cores, as of two loops.
type simPeers struct {
	worlds [2]*simWorld
	mail   [2][]func(*Core)
	ended  [2]bool
}

func (p *simPeers) Len() int { return 2 }

func (p *simPeers) Post(i int, f func(*Core)) bool {
	if !p.ended[i] {
		p.mail[i] = append(p.mail[i], f)
	}
	return !p.ended[i]
}

// deliver has a loop read its mail.
func (p *simPeers) deliver(i int) {
	w := p.worlds[i]
	w.turn(func() {
		mail := p.mail[i]
		p.mail[i] = nil
		for _, f := range mail {
			f(w.core)
		}
	})
}

// end ends a loop as an engine does.
func (p *simPeers) end(i int) {
	p.ended[i] = true
	p.deliver(i)
	p.worlds[i].turn(func() {
		for _, c := range p.worlds[i].clients {
			c.reset()
		}
	})
}

// The client that another loop's asks to be told instead may go, and so may its loop,
// at any moment: the request is answered.
func TestRedirectToAnotherLoop(t *testing.T) {
	const (
		none = "-ERR The client ID you want redirect to does not exist\r\n"
		lost = "-ERR shardring: the client you want redirect to has no connection to a shard\r\n"
	)
	for end, wants := range map[bool][]string{
		false: {none, none, none, lost, "+OK\r\n"},
		true:  {none, none, lost, lost, "+OK\r\n"},
	} {
		for when, want := range wants {
			p := &simPeers{}
			for i := range p.worlds {
				p.worlds[i] = newRig(t, DefaultLimits(), 2, config.Pool{})
				p.worlds[i].core.Join(i, p)
			}
			told, asks := p.worlds[1].client(), p.worlds[0].client()
			now := 0
			step := func() {
				if now == when && end {
					p.end(1)
				} else if now == when {
					p.worlds[1].turn(told.reset)
				}
				now++
			}
			step()
			asks.say(request("CLIENT", "TRACKING", "ON", "REDIRECT", strconv.FormatUint(told.s.id, 10)))
			p.deliver(1)
			step() // it is found
			p.deliver(0)
			step() // the other loop is asked for its connections
			p.deliver(1)
			step() // they are being made
			p.worlds[1].sweep()
			step()
			p.deliver(0)
			if got := asks.hear(); got != want {
				t.Errorf("gone at step %d, with its loop %v: %q, want %q", when, end, got, want)
			}
		}
	}
}

// A loop that has ended knows of no clients, and holds nobody up.
func TestSurveyWithoutAPeer(t *testing.T) {
	p := &simPeers{}
	for i := range p.worlds {
		p.worlds[i] = newRig(t, DefaultLimits(), 2, config.Pool{})
		p.worlds[i].core.Join(i, p)
	}
	c := p.worlds[0].client()
	p.worlds[1].client()
	c.say(request("CLIENT", "LIST"))
	p.end(1)
	p.deliver(0)
	if got := c.hear(); strings.Count(got, "id=") != 2 {
		t.Errorf("asked before its end: %q", got)
	}
	if got := c.ask1("CLIENT", "LIST"); strings.Count(got, "id=") != 1 {
		t.Errorf("asked after its end: %q", got)
	}
}
