package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// broken stands between clients and shardproxy and does one thing wrong now and then.
type broken struct {
	listener net.Listener
	upstream string
	rule     rule
	requests atomic.Int64 // that the rule could spoil
	spoilt   atomic.Int64

	running sync.WaitGroup
	mu      sync.Mutex
	conns   []net.Conn        // protected by mu, as the next
	seen    map[string][]byte // the first reply to a GET of a key
	older   map[string][]byte // the last SET of a key
}

// rule is one way to be wrong.
type rule struct {
	commands string // that it applies to, separated by blanks
	how      how
}

type how uint8

const (
	honest   how = iota
	swap2        // answer two requests of a client with each other's reply
	again        // execute a request twice
	forget       // acknowledge a write and drop it
	replay       // execute the SET before this one of the same key again, after this one
	oldValue     // answer with what the key held long ago
	deny         // execute a write and say that it was not
)

// every is how many requests pass between two that are spoilt.
const every = 23

// slot is a request whose reply is awaited.
type slot struct {
	how   how
	key   string
	reply []byte // that no shard gives
}

func startBroken(t *testing.T, upstream string, r rule) *broken {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &broken{listener: l, upstream: upstream, rule: r, seen: map[string][]byte{}, older: map[string][]byte{}}
	b.running.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			b.serve(client)
		}
	})
	return b
}

func (b *broken) stop() {
	_ = b.listener.Close()
	b.mu.Lock()
	for _, c := range b.conns {
		_ = c.Close()
	}
	b.mu.Unlock()
	b.running.Wait()
}

func (b *broken) serve(client net.Conn) {
	server, err := net.Dial("tcp", b.upstream)
	if err != nil {
		_ = client.Close()
		return
	}
	b.mu.Lock()
	b.conns = append(b.conns, client, server)
	b.mu.Unlock()
	slots := make(chan slot, 10000)
	b.running.Go(func() {
		defer close(slots)
		defer server.Close()
		b.forward(bufio.NewReader(client), server, slots)
	})
	b.running.Go(func() {
		defer client.Close()
		b.answer(bufio.NewReader(server), client, slots)
	})
}

// forward sends requests on, and a slot for each reply that a shard will give.
func (b *broken) forward(from *bufio.Reader, to io.Writer, slots chan<- slot) {
	for {
		request, err := frame(from)
		if err != nil {
			return
		}
		parts := strings.Split(string(request), "\r\n")
		command, key := parts[2], ""
		if len(parts) > 4 {
			key = parts[4]
		}
		s := slot{key: key}
		if b.picks(command, key) {
			s.how = b.rule.how
		}
		sent := request
		switch s.how {
		case again:
			slots <- slot{}
			sent = bytes.Repeat(request, 2)
		case forget:
			sent, s.reply = nil, []byte("+OK\r\n")
		case replay:
			b.mu.Lock()
			old := b.older[key]
			b.mu.Unlock()
			if old == nil {
				s.how = honest
				break
			}
			slots <- slot{}
			sent = append(bytes.Clone(request), old...)
		}
		if command == "SET" {
			b.mu.Lock()
			b.older[key] = request
			b.mu.Unlock()
		}
		slots <- s
		if _, err := to.Write(sent); err != nil {
			return
		}
	}
}

// picks says whether this request is to be spoilt.
func (b *broken) picks(command, key string) bool {
	if !strings.Contains(" "+b.rule.commands+" ", " "+command+" ") || strings.HasPrefix(key, "c:") != (command == "INCR") {
		return false
	}
	return b.requests.Add(1)%every == 0
}

// answer gives replies to the client, right ones but for the rule.
func (b *broken) answer(from *bufio.Reader, to io.Writer, slots <-chan slot) {
	var held []byte // the reply that is to be swapped with the next
	for s := range slots {
		reply := s.reply
		if reply == nil {
			var err error
			if reply, err = frame(from); err != nil {
				return
			}
		}
		switch s.how {
		case again, replay:
			b.spoilt.Add(1)
			continue // its reply was that of the slot before
		case forget:
			b.spoilt.Add(1)
		case deny:
			reply = []byte("-ERR shard 'p-1' at 10.0.0.1:6379: down: connection refused\r\n")
			b.spoilt.Add(1)
		case oldValue:
			b.mu.Lock()
			if first := b.seen[s.key]; first == nil {
				b.seen[s.key] = reply
			} else if !bytes.Equal(first, reply) {
				reply = first
				b.spoilt.Add(1)
			}
			b.mu.Unlock()
		case swap2:
			if held == nil && len(slots) > 0 { // else the client would wait for ever
				held, reply = reply, nil
			}
		default:
			if held != nil && b.rule.how == swap2 {
				reply = append(bytes.Clone(reply), held...)
				held = nil
				b.spoilt.Add(1)
			}
		}
		if _, err := to.Write(reply); err != nil {
			return
		}
	}
}

// frame reads one request or reply, whole.
func frame(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	if line[0] != '$' && line[0] != '*' {
		return line, nil
	}
	n, err := strconv.Atoi(string(bytes.TrimSpace(line[1:])))
	if err != nil {
		return nil, errors.Join(errors.New("no length"), err)
	}
	if line[0] == '$' && n >= 0 {
		body := make([]byte, n+2)
		_, err := io.ReadFull(r, body)
		return append(line, body...), err
	}
	for ; n > 0; n-- {
		element, err := frame(r)
		if err != nil {
			return nil, err
		}
		line = append(line, element...)
	}
	return line, nil
}
