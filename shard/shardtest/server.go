package shardtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

// State is what a Server's process does.
type State uint8

const (
	Running State = iota // it serves
	Paused               // stopped by Pause: it holds its sockets and answers nothing
	Exited               // ended by Kill, by Stop or by itself; Restart may follow
	Closed               // Close was called
)

func (s State) String() string {
	switch s {
	case Running:
		return "running"
	case Paused:
		return "paused"
	case Exited:
		return "exited"
	case Closed:
		return "closed"
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// Server is a started program. Under a test (Redis, Memcached, …) the methods
// that return an error also report it to the test, so it need not be looked at.
type Server struct {
	Addr string // 127.0.0.1:port, the same after a Restart

	spec  Spec
	path  string // of the program
	dir   string
	ports map[string]heldPort // by the name in ${ADDR.name}; "" is Addr's
	tb    TB                  // nil without a test

	mu     sync.Mutex // protects the following fields, and orders what is done to the process
	proc   *process
	paused bool
	closed bool
	ending []byte // the log, once closed
}

const stopTimeout = 10 * time.Second

// AddrOf returns the address that ${ADDR.name} stood for, "" if there is none.
func (s *Server) AddrOf(name string) string {
	p, ok := s.ports[name]
	if !ok {
		return ""
	}
	return p.addr()
}

// Dir is the server's own directory, until Close.
func (s *Server) Dir() string { return s.dir }

// ConfigPath is the path of the file that holds Spec.Config. A test may write
// it anew before a Restart or a signal.
func (s *Server) ConfigPath() string { return filepath.Join(s.dir, configName) }

// Pid returns the id of the process, of the last one if it has ended.
func (s *Server) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc.pid
}

// State tells whether the process runs.
func (s *Server) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state()
}

func (s *Server) state() State {
	switch {
	case s.closed:
		return Closed
	case !s.proc.running():
		return Exited
	case s.paused:
		return Paused
	}
	return Running
}

// Kill ends the server as a crash does (SIGKILL) and waits until it is gone.
// Killing a server that has ended is no error.
func (s *Server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proc.kill()
	return nil
}

// Stop asks the server to end (SIGTERM) and waits until it has. One that has
// not after ten seconds is killed, which is an error.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.report("stop", s.stop())
}

func (s *Server) stop() error {
	if !s.proc.running() {
		return nil
	}
	err := s.proc.send(sigTerm)
	if s.paused {
		err = errors.Join(err, s.proc.send(sigCont))
	}
	if err != nil && !errors.Is(err, errNotRunning) {
		return err
	}
	select {
	case <-s.proc.exited:
		return nil
	case <-time.After(stopTimeout):
		s.proc.kill()
		return fmt.Errorf("still ran %v after SIGTERM, killed", stopTimeout)
	}
}

// Restart ends the server, if it runs, as Stop does, starts it again on the
// same addresses with the same arguments and waits until it serves.
func (s *Server) Restart() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return s.report("restart", errors.New("closed"))
	}
	if err := s.stop(); err != nil {
		return s.report("restart", err)
	}
	return s.report("restart", s.run())
}

// Pause stops the process (SIGSTOP): connections stay open and hang.
func (s *Server) Pause() error { return s.pause("pause", sigStop, true) }

// Resume continues a paused process (SIGCONT).
func (s *Server) Resume() error { return s.pause("resume", sigCont, false) }

func (s *Server) pause(verb string, sig os.Signal, paused bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.proc.send(sig)
	if err == nil {
		s.paused = paused
		if paused {
			err = awaitStopped(s.proc.pid)
		}
	}
	return s.report(verb, err)
}

// Signal sends sig to the server's process group, for programs that reload or
// reopen their logs on one.
func (s *Server) Signal(sig os.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.report("signal", s.proc.send(sig))
}

// Do sends one command to a server that speaks RESP, over a connection of its
// own, and returns what redigo returns. It gives up after five seconds. An
// error is returned only: tests often expect one.
func (s *Server) Do(command string, args ...any) (any, error) {
	const limit = 5 * time.Second
	c, err := redis.Dial("tcp", s.Addr, redis.DialConnectTimeout(limit),
		redis.DialReadTimeout(limit), redis.DialWriteTimeout(limit),
		redis.DialPassword(s.spec.Password))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.Do(command, args...)
}

// Close kills the server, frees its ports and removes its directory. The
// second call does nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.proc.kill()
	s.ending = s.tail()
	for _, p := range s.ports {
		p.release()
	}
	return os.RemoveAll(s.dir)
}

// report adds what was done to err, tells the test and returns it.
func (s *Server) report(verb string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("shardtest: %s %s on %s: %w", verb, s.spec.Name, s.Addr, err)
	if s.tb != nil {
		s.tb.Errorf("%v", err)
	}
	return err
}
