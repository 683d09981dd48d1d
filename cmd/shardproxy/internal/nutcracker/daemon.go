package nutcracker

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// statusVariable tells the second process of -d on which descriptor the first
// one waits to hear whether it serves.
const (
	statusVariable = "SHARDPROXY_NUTCRACKER_STATUS"
	statusFD       = 3
	statusUp       = "up"
)

// status is the second process's way to tell the first. A nil status tells
// nobody.
type status struct{ pipe *os.File }

// daemonStatus reports whether this is the second process, and returns its
// status.
func daemonStatus() (*status, bool) {
	if os.Getenv(statusVariable) == "" {
		return nil, false
	}
	os.Unsetenv(statusVariable)
	detach()
	return &status{os.NewFile(statusFD, "status")}, true
}

// up says that the process serves.
func (s *status) up() { s.tell(statusUp) }

// failed says why it does not, unless it has said that it does.
func (s *status) failed(err error) {
	if err != nil {
		s.tell(err.Error())
	}
}

func (s *status) tell(text string) {
	if s == nil || s.pipe == nil {
		return
	}
	_, _ = io.WriteString(s.pipe, text)
	s.pipe.Close()
	s.pipe = nil
}

// hear waits until the second process has said what became of it.
func hear(pipe io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(pipe, 64<<10))
	switch text := strings.TrimSpace(string(b)); {
	case text == statusUp:
		return nil
	case text != "":
		return fmt.Errorf("the daemon did not start: %s", text)
	case err != nil:
		return fmt.Errorf("the daemon did not start: %w", err)
	}
	return fmt.Errorf("the daemon ended before it served; its log says why")
}
