package shardtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	configName = "config"
	logName    = "log"

	startAttempts = 5 // with other ports each, while they turn out to be taken
	probeInterval = 5 * time.Millisecond
)

var (
	placeholder = regexp.MustCompile(`\$\{(ADDR|PORT|DIR|CONFIG)(?:\.([A-Za-z0-9_-]+))?\}`)

	errPortTaken = errors.New("address already in use")
)

// MissingError says that a program is not installed.
type MissingError struct {
	Program string
	Install string // the command that installs it, may be empty
}

func (e *MissingError) Error() string {
	if e.Install == "" {
		return fmt.Sprintf("shardtest: no %s found", e.Program)
	}
	return fmt.Sprintf("shardtest: no %s found, install it: %s", e.Program, e.Install)
}

// Start runs spec and returns when it serves; Close ends it. The context
// bounds the start only. An error holds the end of the program's log; it is a
// *MissingError when there is no such program.
func Start(ctx context.Context, spec Spec) (*Server, error) {
	if spec.Name == "" {
		spec.Name = filepath.Base(spec.Program)
	}
	if spec.Ready == nil {
		spec.Ready = ReadyTCP
	}
	if spec.StartTimeout == 0 {
		spec.StartTimeout = defaultStartTimeout
	}
	path, err := lookPath(spec)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		s, err := startOnce(ctx, spec, path)
		if err == nil {
			return s, nil
		}
		if attempt == startAttempts || !errors.Is(err, errPortTaken) || ctx.Err() != nil {
			return nil, fmt.Errorf("shardtest: start %s: %w", spec.Name, err)
		}
	}
}

// lookPath also tries the sbin folders, where Debian keeps proxies and where
// the PATH of an ordinary user does not look.
func lookPath(spec Spec) (string, error) {
	candidates := []string{spec.Program}
	if filepath.Base(spec.Program) == spec.Program {
		candidates = append(candidates, "/usr/sbin/"+spec.Program, "/usr/local/sbin/"+spec.Program)
	}
	for _, name := range candidates {
		if path, err := exec.LookPath(name); err == nil {
			return filepath.Abs(path)
		}
	}
	return "", &MissingError{Program: spec.Program, Install: spec.Install}
}

func startOnce(ctx context.Context, spec Spec, path string) (_ *Server, err error) {
	s := &Server{spec: spec, path: path, ports: make(map[string]heldPort)}
	if s.dir, err = os.MkdirTemp("", "shardtest-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.abandon()
		}
	}()
	if err := s.holdPorts(); err != nil {
		return nil, err
	}
	s.Addr = s.ports[""].addr()
	if spec.Config != "" {
		if err := os.WriteFile(s.ConfigPath(), []byte(s.expand(spec.Config)), 0o600); err != nil {
			return nil, err
		}
	}
	return s, s.runContext(ctx)
}

// abandon gives up a server that did not start.
func (s *Server) abandon() {
	if s.proc != nil {
		s.proc.kill()
	}
	for _, p := range s.ports {
		p.release()
	}
	_ = os.RemoveAll(s.dir)
}

// holdPorts takes a port for Addr and one for each name in a placeholder.
func (s *Server) holdPorts() error {
	texts := append([]string{"${ADDR}", s.spec.Config}, s.spec.Args...)
	texts = append(texts, s.spec.Env...)
	for _, text := range texts {
		for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
			if _, held := s.ports[m[2]]; held || m[1] == "DIR" || m[1] == "CONFIG" {
				continue
			}
			port, err := holdPort()
			if err != nil {
				return err
			}
			s.ports[m[2]] = port
		}
	}
	return nil
}

func (s *Server) expand(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(match string) string {
		m := placeholder.FindStringSubmatch(match)
		switch m[1] {
		case "DIR":
			return s.dir
		case "CONFIG":
			return s.ConfigPath()
		case "PORT":
			return strconv.Itoa(s.ports[m[2]].port)
		}
		return s.ports[m[2]].addr()
	})
}

func (s *Server) expandAll(texts []string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = s.expand(text)
	}
	return out
}

func (s *Server) run() error { return s.runContext(context.Background()) }

// runContext launches the process and waits until it serves. The process is
// gone when it returns an error.
func (s *Server) runContext(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(s.dir, logName), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the process has its own descriptor
	cmd := exec.Command(s.path, s.expandAll(s.spec.Args)...)
	cmd.Env = append(os.Environ(), s.expandAll(s.spec.Env)...)
	cmd.Dir = s.dir
	cmd.Stdout, cmd.Stderr = log, log
	proc, err := launch(cmd)
	if err != nil {
		return err
	}
	s.proc, s.paused = proc, false
	if err := s.await(ctx); err != nil {
		proc.kill()
		tail := s.tail()
		if strings.Contains(strings.ToLower(string(tail)), errPortTaken.Error()) {
			err = errPortTaken
		}
		return fmt.Errorf("%w; its log:\n%s", err, tail)
	}
	return nil
}

// await returns nil when the server serves, an error when it has ended or its
// time is up.
func (s *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.spec.StartTimeout)
	defer cancel()
	tick := time.NewTicker(probeInterval)
	defer tick.Stop()
	for {
		notReady := s.spec.Ready(s.Addr)
		if notReady == nil && s.proc.running() {
			return nil
		}
		select {
		case <-s.proc.exited:
			return fmt.Errorf("it ended: %v", s.proc.err)
		case <-ctx.Done():
			return fmt.Errorf("not ready in time (%w): %v", ctx.Err(), notReady)
		case <-tick.C:
		}
	}
}
