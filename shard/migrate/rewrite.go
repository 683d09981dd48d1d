package migrate

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/shardring/shardring/shard/config"
)

// maxRewrites is how often a move writes the configuration that somebody writes back.
const maxRewrites = 3

// rewrite puts the target into the configuration. What was there is kept beside it.
func (m *Move) rewrite() error {
	if m.rewrites++; m.rewrites > maxRewrites {
		return fmt.Errorf("something has written %s back %d times: %s is the primary now; change shard %s where the file is made, then --resume", m.path, maxRewrites, m.header.Target, m.header.Shard)
	}
	data, err := os.ReadFile(m.path)
	if err != nil {
		return err
	}
	to, err := parse(m.header.Target)
	if err != nil {
		return err
	}
	text, err := config.SetPrimary(m.path, data, m.header.Pool, m.header.Shard, to)
	if err != nil {
		return err
	}
	if string(text) == string(data) {
		return nil
	}
	info, err := os.Stat(m.path)
	if err != nil {
		return err
	}
	saved := m.path + ".before-move"
	if err := m.writeFile(saved, data, info); err != nil {
		return err
	}
	if err := m.writeFile(m.path, text, info); err != nil {
		return err
	}
	m.result.Saved = saved
	m.say(Rewrite, "%s has %s; the old one is %s", m.path, m.header.Target, saved)
	return nil
}

// writeFile replaces a file as a whole: whoever reads it finds the old or the new one,
// with the rights and the owner of like.
func (m *Move) writeFile(path string, data []byte, like os.FileInfo) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := giveTo(f, like); err != nil {
		m.warn(Rewrite, "%s is not of the user that it was of: see that proxies can read it (%v)", path, err)
	}
	if err = errors.Join(err, f.Chmod(like.Mode().Perm()), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	return syncDir(path)
}
