package main

import (
	"os"
	"testing"
)

// TestMoveInterrupted: Ctrl-C while the target copies ends the command at once, with the
// source as it was and a line that says so; the move is gone on with, or taken back.
func TestMoveInterrupted(t *testing.T) {
	for _, then := range []string{"--abort", "--resume"} {
		t.Run(then, func(t *testing.T) {
			t.Parallel()
			m := byWay(t, "pause", slow)
			m.fill(t, 2000)
			was := m.stands(t)
			tr := m.writing()
			u := m.start(t, by("pause", "--to", m.to.Addr)...)
			m.copying(t)
			if err := u.cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			r := u.end()
			wantCode(t, r, exitFailed)
			wantIn(t, r.stderr, "stopped before the switch", m.servers[1].Addr+" is the primary as before; --resume goes on, --abort takes the move back")
			sameState(t, m.servers[1], was.source)
			wantCode(t, m.move(t, then), exitDone)
			if then == "--abort" {
				m.takenBack(t, was)
				r = m.move(t, then) // twice is told
				wantCode(t, r, exitFailed)
				wantIn(t, r.stderr, "no move was begun here, or it has ended")
			} else {
				m.moved(t, m.to, m.servers[1], was.sums)
			}
			tr.end(t, m.read(t))
		})
	}
}
