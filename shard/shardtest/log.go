package shardtest

import (
	"io"
	"os"
	"path/filepath"
)

const logTail = 64 << 10

// Log returns the last 64 KiB of what the server wrote to its standard output
// and error, over all its restarts. It stays available after Close.
func (s *Server) Log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.tail())
}

func (s *Server) tail() []byte {
	if s.ending != nil {
		return s.ending
	}
	f, err := os.Open(filepath.Join(s.dir, logName))
	if err != nil {
		return []byte(err.Error())
	}
	defer f.Close()
	if end, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(0, end-logTail), io.SeekStart)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		text = append(text, err.Error()...)
	}
	return text
}
