// Package nodes asks servers what they are: whether they answer, as whom, in
// which version and how fast. It changes nothing on them.
package nodes

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gomodule/redigo/redis"
)

// Probe is a server and how it is reached.
type Probe struct {
	Pool, Shard   string // for messages
	Network, Addr string // as net.Dial takes them
	Primary       bool   // the file says it is one
	Redis         bool   // false: memcached
	Username      string // "": the default user
	Password      string
	Database      int
}

// Answer is what became of a Probe.
type Answer struct {
	Role    string // "primary", "replica" or ""
	Version string
	Ping    time.Duration // the fastest of three
	Note    string        // worth knowing, and no fault
	Err     error         // it did not answer, or is not what the file says
}

const (
	atOnce = 32 // connections
	pings  = 3
)

// Ask asks all servers, several at a time, and returns their answers in the
// order of the probes. timeout bounds each.
func Ask(ctx context.Context, probes []Probe, timeout time.Duration) []Answer {
	answers := make([]Answer, len(probes))
	free := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i, p := range probes {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			if p.Redis {
				answers[i] = askRedis(ctx, p, timeout)
			} else {
				answers[i] = askMemcached(ctx, p)
			}
			answers[i].Err = plain(ctx, answers[i].Err, timeout)
		})
	}
	wg.Wait()
	return answers
}

func askRedis(ctx context.Context, p Probe, timeout time.Duration) (a Answer) {
	c, err := redis.DialContext(ctx, p.Network, p.Addr,
		redis.DialUsername(p.Username), redis.DialPassword(p.Password), redis.DialDatabase(p.Database),
		redis.DialConnectTimeout(timeout), redis.DialReadTimeout(timeout), redis.DialWriteTimeout(timeout))
	if err != nil {
		a.Err = err
		return a
	}
	defer c.Close()
	for range pings {
		began := time.Now()
		if _, err := c.Do("PING"); err != nil {
			a.Err = err
			return a
		}
		if d := time.Since(began); a.Ping == 0 || d < a.Ping {
			a.Ping = d
		}
	}
	text, err := redis.String(c.Do("INFO"))
	if err != nil {
		a.Note = "INFO: " + err.Error()
		return a
	}
	info := fields(text)
	a.Version = info["redis_version"]
	switch info["role"] {
	case "master":
		a.Role = "primary"
	case "slave":
		a.Role = "replica"
	}
	from := net.JoinHostPort(info["master_host"], info["master_port"])
	switch {
	case info["loading"] == "1":
		a.Err = errors.New("is loading its data")
	case p.Primary && a.Role == "replica":
		a.Err = fmt.Errorf("is a replica of %s: writes are refused", from)
	case !p.Primary && a.Role == "primary":
		a.Note = "is a primary, the file says replica"
	case a.Role == "replica" && info["master_link_status"] != "up":
		a.Note = "has no link to " + from
	}
	return a
}

// fields reads the lines of INFO.
func fields(text string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			m[k] = v
		}
	}
	return m
}

func askMemcached(ctx context.Context, p Probe) (a Answer) {
	var d net.Dialer
	c, err := d.DialContext(ctx, p.Network, p.Addr)
	if err != nil {
		a.Err = err
		return a
	}
	defer c.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(deadline)
	}
	r := bufio.NewReader(c)
	for range pings {
		began := time.Now()
		if _, err := c.Write([]byte("version\r\n")); err != nil {
			a.Err = err
			return a
		}
		line, err := r.ReadString('\n')
		if err != nil {
			a.Err = err
			return a
		}
		var ok bool
		if a.Version, ok = strings.CutPrefix(strings.TrimSpace(line), "VERSION "); !ok {
			a.Err = fmt.Errorf("answers %.40q to memcached's version", strings.TrimSpace(line))
			return a
		}
		if d := time.Since(began); a.Ping == 0 || d < a.Ping {
			a.Ping = d
		}
	}
	return a
}

// plain says an error in a few words: the address is in the row already.
func plain(ctx context.Context, err error, timeout time.Duration) error {
	var timed net.Error
	var dns *net.DNSError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil || errors.As(err, &timed) && timed.Timeout():
		return fmt.Errorf("no answer in %v", timeout)
	case errors.As(err, &dns):
		return fmt.Errorf("host not found: %s", dns.Name)
	}
	var code syscall.Errno
	if errors.As(err, &code) {
		return code
	}
	return err
}
