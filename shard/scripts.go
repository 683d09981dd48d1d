package shard

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"strings"
	"sync"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/command"
)

// How many scripts a client remembers, and how many bytes of them.
const (
	maxScripts     = 1000
	maxScriptBytes = 4 << 20
)

// scripts is the scripts that this client has sent, so that a shard which lacks
// one is sent it again. The oldest are forgotten first. The zero value is empty.
type scripts struct {
	mu      sync.RWMutex // protects the following fields
	digests map[string]string
	sources map[string]string // by digest
	order   []string          // sources, as they came
	bytes   int
}

// note remembers the script of a request that brings one.
func (s *scripts) note(cmd *command.Command, r *request) {
	if cmd.Group != "scripting" {
		return
	}
	switch cmd.Name {
	case "eval", "eval_ro":
		s.add(r.At(1))
	case "script|load":
		s.add(r.At(2))
	case "script|flush":
		s.forget()
	}
}

func (s *scripts) add(source []byte) {
	s.mu.RLock()
	_, known := s.digests[string(source)]
	s.mu.RUnlock()
	if known || len(source) > maxScriptBytes {
		return
	}
	sum := sha1.Sum(source)
	digest := hex.EncodeToString(sum[:])
	text := string(source)

	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.digests[text]; known {
		return
	}
	if s.digests == nil {
		s.digests, s.sources = map[string]string{}, map[string]string{}
	}
	s.digests[text], s.sources[digest] = digest, text
	s.order = append(s.order, text)
	s.bytes += len(text)
	for len(s.order) > maxScripts || s.bytes > maxScriptBytes {
		old := s.order[0]
		s.order[0], s.order = "", s.order[1:]
		s.bytes -= len(old)
		delete(s.sources, s.digests[old])
		delete(s.digests, old)
	}
}

func (s *scripts) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.digests, s.sources, s.order, s.bytes = nil, nil, nil, 0
}

// instead returns the request that brings the script with it, for one that was
// answered with this error because the shard does not have it; or nil. Nothing
// was executed, so it may be sent.
func (s *scripts) instead(cmd *command.Command, r *request, err error) *request {
	if e, ok := err.(redis.Error); !ok || !strings.HasPrefix(string(e), "NOSCRIPT No matching script") {
		return nil
	}
	name := ""
	switch cmd.Name {
	case "evalsha":
		name = "EVAL"
	case "evalsha_ro":
		name = "EVAL_RO"
	default:
		return nil
	}
	s.mu.RLock()
	source, known := s.sources[string(bytes.ToLower(r.At(1)))]
	s.mu.RUnlock()
	if !known {
		return nil
	}
	return &request{cmd: name, args: append([]any{source}, r.args[1:]...)}
}
