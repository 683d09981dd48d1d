package nutcracker

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Log writes lines as nutcracker does, to a file that may be reopened, at one
// of its levels 0 to 11. It is a slog.Handler. All methods may be called
// concurrently.
type Log struct {
	*logFile
	prefix string // attributes and the groups they are in
	group  string
}

// logFile is what a Log and those made of it share.
type logFile struct {
	mu    sync.Mutex // protects the following fields
	w     io.Writer
	file  *os.File // nil: standard error
	path  string
	level int
}

// OpenLog opens the log file of that path, or takes stderr if path is empty.
func OpenLog(path string, level int, stderr io.Writer) (*Log, error) {
	l := &logFile{w: stderr, path: path, level: min(max(level, 0), maxVerbose)}
	if path == "" {
		return &Log{logFile: l}, nil
	}
	f, err := openAppend(path)
	if err != nil {
		return nil, fmt.Errorf("opening log file '%s' failed: %w", path, cause(err))
	}
	l.w, l.file = f, f
	return &Log{logFile: l}, nil
}

func openAppend(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
}

// Reopen opens the file anew, after something has moved it away. If that
// fails, the old one stays.
func (l *logFile) Reopen() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return
	}
	f, err := openAppend(l.path)
	if err != nil {
		l.print(fmt.Sprintf("reopening log file '%s' failed, ignored: %v", l.path, cause(err)))
		return
	}
	l.file.Close()
	l.w, l.file = f, f
}

// Shift moves the level by one, up or down, within its limits.
func (l *logFile) Shift(by int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	level := min(max(l.level+by, 0), maxVerbose)
	if level == l.level {
		return
	}
	l.level = level
	word := "up"
	if by < 0 {
		word = "down"
	}
	l.print(fmt.Sprintf("%s log level to %d", word, level))
}

// Always writes a line at any level.
func (l *logFile) Always(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.print(fmt.Sprintf(format, args...))
}

// print writes one line. mu is held.
func (l *logFile) print(text string) {
	fmt.Fprintf(l.w, "[%s] %s\n", time.Now().Format("2006-01-02 15:04:05.000"), text)
}

// Enabled maps nutcracker's levels: 3 is errors, 4 warnings, 5 and 6 what
// happens, from 7 on everything.
func (l *logFile) Enabled(_ context.Context, level slog.Level) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case level >= slog.LevelError:
		return l.level >= 3
	case level >= slog.LevelWarn:
		return l.level >= 4
	case level >= slog.LevelInfo:
		return l.level >= 5
	}
	return l.level >= 7
}

// Handle writes one line: the message, then key=value.
func (l *Log) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	b.WriteString(l.prefix)
	r.Attrs(func(a slog.Attr) bool { appendAttr(&b, l.group, a); return true })
	l.Always("%s", b.String())
	return nil
}

// WithAttrs returns a Log that adds attrs to each line.
func (l *Log) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b strings.Builder
	b.WriteString(l.prefix)
	for _, a := range attrs {
		appendAttr(&b, l.group, a)
	}
	return &Log{logFile: l.logFile, prefix: b.String(), group: l.group}
}

// WithGroup returns a Log whose further keys are in the group.
func (l *Log) WithGroup(name string) slog.Handler {
	return &Log{logFile: l.logFile, prefix: l.prefix, group: l.group + name + "."}
}

func appendAttr(b *strings.Builder, group string, a slog.Attr) {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		for _, inner := range v.Group() {
			appendAttr(b, group+a.Key+".", inner)
		}
		return
	}
	text := v.String()
	if text == "" || strings.ContainsAny(text, " \"\n") {
		text = strconv.Quote(text)
	}
	fmt.Fprintf(b, " %s%s=%s", group, a.Key, text)
}
