//go:build unix

package migrate

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestOwnerStays: the configuration is of whom it was after a move that another user made;
// where the test is not root, it checks the group, as far as the user has a second one.
func TestOwnerStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pools.yml")
	if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	uid, gid := os.Geteuid(), os.Getegid()
	if uid == 0 {
		uid, gid = 65534, 65533
	} else if groups, err := os.Getgroups(); err == nil && len(groups) > 0 {
		gid = groups[len(groups)-1]
	}
	if err := os.Chown(path, uid, gid); err != nil {
		t.Fatal(err)
	}
	was, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	m := &Move{}
	if err := m.writeFile(path, []byte("new"), was); err != nil {
		t.Fatal(err)
	}
	is, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	s := is.Sys().(*syscall.Stat_t)
	if int(s.Uid) != uid || int(s.Gid) != gid || is.Mode() != 0o640 || is.Size() != 3 {
		t.Errorf("%s is of %d and %d, %v, want %d and %d, 0640", path, s.Uid, s.Gid, is.Mode(), uid, gid)
	}
	if len(m.result.Warnings) > 0 {
		t.Error(m.result.Warnings)
	}
}
