package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/shardring/shardring/ring"
	"github.com/shardring/shardring/shard/config"
)

const defaultFile = "shardproxy.yml"

// source is the file, and for some commands the pool, that a command is about.
type source struct {
	path string
	name string // of the pool; "" is the only one
}

// fileFlag adds -c.
func (s *source) fileFlag(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&s.path, "config", "c", defaultFile, "the configuration `file`")
	_ = cmd.MarkFlagFilename("config", "yml", "yaml")
}

// poolFlag adds --pool.
func (s *source) poolFlag(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&s.name, "pool", "p", "", "the `pool`, where the file has more than one")
	_ = cmd.RegisterFlagCompletionFunc("pool", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		if file, err := config.Load(s.path); err == nil {
			for _, p := range file.Pools {
				names = append(names, p.Name)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
}

func (s *source) file() (*config.File, error) {
	file, err := config.Load(s.path)
	if errors.Is(err, fs.ErrNotExist) && s.path == defaultFile {
		return nil, fmt.Errorf("%w: name a file with -c, or try shardproxy demo, which needs none", err)
	}
	return file, err
}

// pool returns the pool and its ring.
func (s *source) pool() (*config.Pool, *ring.Ring, error) {
	file, err := s.file()
	if err != nil {
		return nil, nil, err
	}
	pool, err := file.Pool(s.name)
	if err != nil {
		return nil, nil, usagef("--pool: %w", err)
	}
	r, err := ring.New(pool.Ring)
	return pool, r, err
}

// otherPool is the pool of another file that a pool is compared with: that of
// the same name or, where --pool names none, the only one.
func otherPool(path, name string, pool *config.Pool) (*config.Pool, *ring.Ring, error) {
	other := source{path: path, name: name}
	if other.name == "" {
		other.name = pool.Name
		if file, err := other.file(); err == nil && len(file.Pools) == 1 {
			other.name = ""
		}
	}
	return other.pool()
}
