package backend

import (
	"testing"
	"time"
)

// TestHold plays what becomes of calls that a node refuses, or loses.
func TestHold(t *testing.T) {
	const (
		readOnly = `-READONLY You can't write against a read only replica.\r\n`
		said     = "READONLY You can't write against a read only replica."
	)
	start := func(lines ...string) []string {
		return append([]string{
			"begin a => wake dialing",
			"write => wrote() dialing",
			"connected => wake ready",
			"write => wrote(a) ready",
		}, lines...)
	}
	for _, row := range []struct {
		name  string
		lines []string
	}{
		{"a refused call is said again", start(
			"recv "+readOnly+" => doubted ready",
			"wait 19ms => ready",
			"wait 1ms => wake ready",
			"write => wrote(a) ready",
			`recv +OK\r\n => a:+OK| ready`,
		)},
		{"in pieces", start(
			`recv -READ => ready`,
			`recv ONLY you may not\r\n => doubted ready`,
			"wait 20ms => wake ready",
			"write => wrote(a) ready",
		)},
		{"another error is no refusal", start(
			`recv -READ => ready`,
			`recv ALL your books\r\n => a:-READALL your books| ready`,
		)},
		{"until its time is over", start(
			"recv "+readOnly+" => doubted ready",
			"wait 100ms => a:unwilling/unsent wake ready",
		)},
		{"what its session says next waits, another session's does not", start(
			"recv "+readOnly+" => doubted ready",
			"begin b => ready",
			"begin c/2 => wake ready",
			"write => wrote(c) ready",
			`recv +C\r\n => c:+C| ready`,
			"wait 20ms => wake ready",
			"write => wrote(ab) ready",
			`recv +A\r\n+B\r\n => a:+A| b:+B| ready`,
		)},
		{"a read behind it is read again", start(
			"begin r/r => wake ready",
			"write => wrote(r) ready",
			"recv "+readOnly+`$3\r\nold\r\n => doubted ready`,
			"wait 20ms => wake ready",
			"write => wrote(ar) ready",
			`recv +A\r\n+new\r\n => a:+A| r:+new| ready`,
		)},
		{"a write behind it that was executed ends it", start(
			"begin b => wake ready",
			"write => wrote(b) ready",
			"recv "+readOnly+`+B\r\n => doubted a:unwilling/unsent b:+B| ready`,
		)},
		{"a successor is told, after what is under way", start(
			"begin b/2 => wake ready",
			"write => wrote(b) ready",
			"recv "+readOnly+" => doubted ready",
			"heir => wake ready",
			"to => dialing",
		)},
		{"a lost read is said again, a lost write is not", start(
			"begin r/2r => wake ready",
			"write => wrote(r) ready",
			"begin u => wake ready",
			"reset => a:connection lost/sent failed(connection lost) waiting",
			"wait 20ms => dialing",
			"write => wrote() dialing",
			"connected => wake ready",
			"write => wrote(ru) ready",
			"reset => r:connection lost/sent u:connection lost/sent failed(connection lost) waiting",
		)},
		{"a lost read before a lost write of its session is not", []string{
			"begin r/r => wake dialing",
			"begin a => dialing",
			"write => wrote() dialing",
			"connected => wake ready",
			"write => wrote(ra) ready",
			"reset => r:connection lost/sent a:connection lost/sent failed(connection lost) waiting",
		}},
		{"writes wait while the shard is frozen", start(
			`recv +A\r\n => a:+A| ready`,
			"freeze => ready",
			"begin b => ready",
			"begin r/2r => wake ready",
			"write => wrote(r) ready",
			"begin q/r => ready",
			"thaw => wake ready",
			"write => wrote(bq) ready",
		)},
		{"a node that loads its data", []string{
			"begin a => wake dialing",
			"write => wrote() dialing",
			"connected => wake ready",
			"write => wrote(a) ready",
			`recv -LOADING Redis is loading the dataset in memory\r\n => doubted ready`,
			"wait 20ms => wake ready",
			"write => wrote(a) ready",
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newScript(t, Config{Timeout: 100 * time.Millisecond})
			s.play(row.lines...)
		})
	}
	err := &Error{Kind: Unwilling, Shard: "s", Node: "host:1", Err: busyError(said)}
	if got, want := err.Reply(), "READONLY shard 's' at host:1: You can't write against a read only replica."; got != want {
		t.Errorf("reply %q, want %q", got, want)
	}
}

// TestHeir plays what a node's successor says, and when.
func TestHeir(t *testing.T) {
	s := newScript(t, Config{Timeout: time.Second})
	s.play(
		"begin a => wake dialing", "write => wrote() dialing", "connected => wake ready",
		"begin b/2 => ready",
		"write => wrote(ab) ready",
		`recv -READONLY no\r\n => doubted ready`,
		"heir => wake ready", // it dials
	)
	old := s.c
	s.play(
		"to => dialing",
		"begin c/2 => dialing", // behind b, which the old one has
		"begin d/3 => dialing",
		"write => wrote() dialing",
		"connected => wake ready",
		"write => wrote() ready",
		"wait 30ms => ready",      // a and what came while it dialled wait for b
		"begin e/3 => ready",      // and what follows that
		"begin f/4 => wake ready", // nobody waits for this one
		"write => wrote(f) ready",
		`recv +F\r\n => f:+F| ready`,
	)
	heir := s.c
	s.c = old
	s.play(`recv -READONLY no\r\n => doubted wake closing`)
	s.c = heir
	s.play("wait 20ms => wake ready", "write => wrote(abcde) ready")

	// One that is to go itself stays until it is known what is to be said there.
	s = newScript(t, Config{Timeout: time.Second})
	s.play("begin a => wake dialing", "write => wrote() dialing", "connected => wake ready", "write => wrote(a) ready", "heir => ready")
	old = s.c
	s.play("to => idle", "retire => idle")
	heir = s.c
	s.c = old
	s.play(`recv -READONLY no\r\n => wake doubted wake closing`)
	s.c = heir
	s.play(
		"write => wrote() dialing", "connected => wake ready", "write => wrote(a) ready",
		`recv +A\r\n => a:+A| wake closing`,
	)

	// What is under way at a node that does not answer is given up in time.
	s = newScript(t, Config{Timeout: time.Minute})
	s.play(
		"begin a => wake dialing", "write => wrote() dialing", "connected => wake ready",
		"begin r/2r => ready", "write => wrote(ar) ready",
		"heir => ready",
		"wait 799ms => ready",
		"wait 1ms => a:connection lost/sent failed(connection lost) wake closing",
		"closed => wake retired",
		"to => dialing",
		"write => wrote() dialing", "connected => wake ready", "write => wrote(r) ready",
	)
}
