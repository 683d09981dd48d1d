package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/shardtest"
)

// table is a server's commands, sorted by name.
type table struct {
	version  string
	commands []command.Info
}

// ask starts a redis-server, reads its commands and stops it.
func ask(ctx context.Context) (t table, err error) {
	server, err := shardtest.Start(ctx, shardtest.RedisSpec())
	if err != nil {
		return t, err
	}
	defer server.Close()
	conn, err := redis.Dial("tcp", server.Addr)
	if err != nil {
		return t, err
	}
	defer conn.Close()
	if t.version, err = version(conn); err != nil {
		return t, err
	}
	if t.commands, err = commands(conn); err != nil {
		return t, err
	}
	docs, err := redis.Values(conn.Do("COMMAND", "DOCS"))
	if err != nil {
		return t, fmt.Errorf("COMMAND DOCS: %w", err)
	}
	return t, document(t.commands, docs)
}

func version(conn redis.Conn) (string, error) {
	info, err := redis.String(conn.Do("INFO", "server"))
	if err != nil {
		return "", fmt.Errorf("INFO server: %w", err)
	}
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(line, "redis_version:"); ok {
			return strings.TrimSpace(v), nil
		}
	}
	return "", fmt.Errorf("INFO server: no redis_version in %q", info)
}

func commands(conn redis.Conn) ([]command.Info, error) {
	reply, err := redis.Values(conn.Do("COMMAND"))
	if err != nil {
		return nil, fmt.Errorf("COMMAND: %w", err)
	}
	infos := make([]command.Info, len(reply))
	for i, r := range reply {
		if infos[i], err = command.ParseInfo(r); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(infos, func(a, b command.Info) int { return cmp.Compare(a.Name, b.Name) })
	return infos, nil
}

// document fills in what COMMAND DOCS says of the commands and, recursively, of
// their subcommands: a flat array of names and maps.
func document(infos []command.Info, docs []any) error {
	byName := make(map[string][]any, len(docs)/2)
	for i := 0; i+1 < len(docs); i += 2 {
		name, err := redis.String(docs[i], nil)
		if err != nil {
			return fmt.Errorf("COMMAND DOCS: %w", err)
		}
		if byName[name], err = redis.Values(docs[i+1], nil); err != nil {
			return fmt.Errorf("COMMAND DOCS of %s: %w", name, err)
		}
	}
	for i := range infos {
		info := &infos[i]
		doc := byName[info.Name]
		for j := 0; j+1 < len(doc); j += 2 {
			field, err := redis.String(doc[j], nil)
			if err != nil {
				return fmt.Errorf("COMMAND DOCS of %s: %w", info.Name, err)
			}
			switch field {
			case "summary":
				info.Summary, err = redis.String(doc[j+1], nil)
			case "since":
				info.Since, err = redis.String(doc[j+1], nil)
			case "group":
				info.Group, err = redis.String(doc[j+1], nil)
			case "subcommands":
				var subs []any
				if subs, err = redis.Values(doc[j+1], nil); err == nil {
					err = document(info.Subcommands, subs)
				}
			}
			if err != nil {
				return fmt.Errorf("COMMAND DOCS of %s, %s: %w", info.Name, field, err)
			}
		}
	}
	return nil
}
