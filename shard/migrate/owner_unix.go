//go:build unix

package migrate

import (
	"os"
	"syscall"
)

// giveTo gives a file the owner and the group of another one, as far as that is allowed: a
// move that root makes may not take the configuration away from who serves it.
func giveTo(f *os.File, like os.FileInfo) error {
	s, ok := like.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	err := f.Chown(int(s.Uid), int(s.Gid))
	if err != nil {
		_ = f.Chown(-1, int(s.Gid)) // the owner is what err says
	}
	return err
}
