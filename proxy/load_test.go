package proxy_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

// load is clients that ask for keys of one shard each, in pipelines, as long as
// it runs. Every value is its key, so a reply that went to the wrong request is
// seen.
type load struct {
	stop chan struct{}
	wg   sync.WaitGroup

	mu     sync.Mutex // protects the following field
	events [][]event  // by shard
}

// event is the reply to one pipeline.
type event struct {
	asked, answered time.Time
	err             string // the first error reply; "" if all were values
}

const depth = 8 // requests in a pipeline

// startLoad starts clients for each shard.
func startLoad(t *testing.T, s *serving, keys [][]string, clients int) *load {
	l := &load{stop: make(chan struct{}), events: make([][]event, len(keys))}
	for shard := range keys {
		for range clients {
			c := s.dial(t)
			l.wg.Go(func() { l.client(t, c, shard, keys[shard]) })
		}
	}
	return l
}

func (l *load) client(t *testing.T, c redis.Conn, shard int, keys []string) {
	for {
		select {
		case <-l.stop:
			return
		default:
		}
		e, err := ask(c, keys)
		if err != nil {
			t.Errorf("client of shard %s: %v", names[shard], err)
			return
		}
		l.mu.Lock()
		l.events[shard] = append(l.events[shard], e)
		l.mu.Unlock()
		if e.err != "" {
			time.Sleep(time.Millisecond) // a shard that is down answers at once
		}
	}
}

// ask sends one pipeline. An error is the connection's, or a wrong reply.
func ask(c redis.Conn, keys []string) (event, error) {
	var asked [depth]string
	e := event{asked: time.Now()}
	for i := range asked {
		asked[i] = keys[rand.IntN(len(keys))]
		if err := c.Send("GET", asked[i]); err != nil {
			return e, err
		}
	}
	if err := c.Flush(); err != nil {
		return e, err
	}
	for _, key := range asked {
		value, err := redis.String(c.Receive())
		if text, ok := err.(redis.Error); ok {
			if e.err == "" {
				e.err = string(text)
			}
			continue
		}
		if err == redis.ErrNil { // the server lost its memory
			continue
		}
		if err != nil {
			return e, err
		}
		if value != key {
			return e, fmt.Errorf("asked for %s and got %q: a reply of another request", key, value)
		}
	}
	e.answered = time.Now()
	return e, nil
}

// failed reports whether a pipeline of a shard has failed.
func (l *load) failed(shard int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.events[shard], func(e event) bool { return e.err != "" })
}

// end stops the clients and returns what happened, by shard.
func (l *load) end() [][]event {
	close(l.stop)
	l.wg.Wait()
	return l.events
}

// summary is what happened to one shard's pipelines asked in a span of time.
type summary struct {
	good, bad   int
	slowestGood time.Duration
	slowestBad  time.Duration
	firstGood   time.Time // when it was answered
	firstBad    time.Time
	text        string // an error
}

func summarize(events []event, from, to time.Time) summary {
	var s summary
	for _, e := range events {
		if e.asked.Before(from) || e.asked.After(to) {
			continue
		}
		took := e.answered.Sub(e.asked)
		if e.err == "" {
			s.good++
			s.slowestGood = max(s.slowestGood, took)
			if s.firstGood.IsZero() || e.answered.Before(s.firstGood) {
				s.firstGood = e.answered
			}
			continue
		}
		s.bad++
		s.text = e.err
		s.slowestBad = max(s.slowestBad, took)
		if s.firstBad.IsZero() || e.answered.Before(s.firstBad) {
			s.firstBad = e.answered
		}
	}
	return s
}

// servesAgain fails the test unless a shard whose server is back has replies within a
// second, among what was asked after from, and no error of a request that was asked
// later.
func servesAgain(t *testing.T, shard int, events []event, from, back, ended time.Time) {
	t.Helper()
	again := summarize(events, from, ended)
	if again.good == 0 {
		t.Fatalf("shard %s has not served again: %s", names[shard], again.text)
	}
	within(t, "serving again after the server's return", again.firstGood.Sub(back), time.Second)
	if late := summarize(events, back.Add(time.Second), ended); late.bad > 0 {
		t.Errorf("a second after the return: %s", late.text)
	}
}

// onlyShard fails the test if an error names another shard, or none, or if
// another shard's pipelines have one.
func onlyShard(t *testing.T, events [][]event, shard int) {
	t.Helper()
	for i, list := range events {
		for _, e := range list {
			if e.err == "" {
				continue
			}
			if i != shard {
				t.Errorf("shard %s, which is well, answered %q", names[i], e.err)
				return
			}
			if !strings.Contains(e.err, "shard '"+names[shard]+"'") {
				t.Errorf("the error does not name shard %s: %q", names[shard], e.err)
				return
			}
		}
	}
}
