package nutcracker

import (
	"encoding/json"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/shardring/shardring/proxy"
)

// poolMetric and serverMetric are numbers of nutcracker's statistics, in its
// order and by its names.
type poolMetric struct {
	name, doc string
	of        func(p *proxy.PoolStats) int64
}

type serverMetric struct {
	name, doc string
	of        func(s *proxy.ShardStats) int64
}

func poolMetrics() []poolMetric {
	type p = proxy.PoolStats
	return []poolMetric{
		{"client_eof", "# eof on client connections", func(p *p) int64 { return int64(p.ClientEOF) }},
		{"client_err", "# errors on client connections", func(p *p) int64 { return int64(p.ClientErr) }},
		{"client_connections", "# active client connections", func(p *p) int64 { return int64(p.Clients) }},
		{"server_ejects", "# times backend server was ejected", func(p *p) int64 { return int64(p.Ejects) }},
		{"forward_error", "# times we encountered a forwarding error", func(p *p) int64 { return int64(p.Errors) }},
		{"fragments", "# fragments created from a multi-vector request", func(p *p) int64 { return int64(p.Fragments) }},
	}
}

func serverMetrics() []serverMetric {
	type s = proxy.ShardStats
	return []serverMetric{
		{"server_eof", "# eof on server connections", func(s *s) int64 { return int64(s.EOF) }},
		{"server_err", "# errors on server connections", func(s *s) int64 { return int64(s.Errors) }},
		{"server_timedout", "# timeouts on server connections", func(s *s) int64 { return int64(s.Timeouts) }},
		{"server_connections", "# active server connections", func(s *s) int64 { return int64(s.Connections) }},
		{"server_ejected_at", "timestamp when server was ejected in usec since epoch", func(s *s) int64 {
			if s.EjectedAt.IsZero() {
				return 0
			}
			return s.EjectedAt.UnixMicro()
		}},
		{"requests", "# requests", func(s *s) int64 { return int64(s.Requests) }},
		{"request_bytes", "total request bytes", func(s *s) int64 { return int64(s.RequestBytes) }},
		{"responses", "# responses", func(s *s) int64 { return int64(s.Replies) }},
		{"response_bytes", "total response bytes", func(s *s) int64 { return int64(s.ReplyBytes) }},
		{"in_queue", "# requests in incoming queue", func(s *s) int64 { return int64(s.Waiting) }},
		{"in_queue_bytes", "current request bytes in incoming queue", func(s *s) int64 { return int64(s.UnsentBytes) }},
		{"out_queue", "# requests in outgoing queue", func(s *s) int64 { return int64(s.Sent) }},
		{"out_queue_bytes", "current request bytes in outgoing queue", sentBytes},
	}
}

// sentBytes takes the mean size of a request for those that wait: the engine
// does not keep the size of each.
func sentBytes(s *proxy.ShardStats) int64 {
	if s.Requests == 0 {
		return 0
	}
	return int64(float64(s.Sent) * float64(s.RequestBytes) / float64(s.Requests))
}

// AppendJSON appends s as nutcracker writes its statistics, spaces included.
// source is the machine's name.
func AppendJSON(b []byte, s proxy.Stats, source string, now time.Time) []byte {
	total, current := int64(len(s.Pools)), int64(len(s.Pools)) // the listeners are connections too
	for _, p := range s.Pools {
		total += int64(p.Accepted)
		current += int64(p.Clients)
		for _, sh := range p.Shards {
			total += int64(sh.Connects)
			current += int64(sh.Connections)
		}
	}
	b = append(b, `{"service":"nutcracker", "source":`...)
	b = appendString(b, source)
	b = append(b, `, "version":"`+Version+`"`...)
	b = appendNumber(b, "uptime", int64(now.Sub(s.Began)/time.Second))
	b = appendNumber(b, "timestamp", now.Unix())
	b = appendNumber(b, "total_connections", total)
	b = appendNumber(b, "curr_connections", current)
	for i := range s.Pools {
		b = appendPool(append(b, ", "...), &s.Pools[i])
	}
	return append(b, "}\n"...)
}

func appendPool(b []byte, p *proxy.PoolStats) []byte {
	b = append(appendString(b, p.Name), ": {"...)
	for i, m := range poolMetrics() {
		b = appendMetric(b, i, m.name, m.of(p))
	}
	for i := range p.Shards {
		b = append(appendString(append(b, ", "...), p.Shards[i].Name), ": {"...)
		for j, m := range serverMetrics() {
			b = appendMetric(b, j, m.name, m.of(&p.Shards[i]))
		}
		b = append(b, '}')
	}
	return append(b, '}')
}

func appendMetric(b []byte, i int, name string, v int64) []byte {
	if i > 0 {
		return appendNumber(b, name, v)
	}
	return strconv.AppendInt(append(b, `"`+name+`":`...), v, 10)
}

func appendNumber(b []byte, name string, v int64) []byte {
	return strconv.AppendInt(append(b, `, "`+name+`":`...), v, 10)
}

func appendString(b []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		return append(b, `""`...) // not reachable: every string can be written
	}
	return append(b, quoted...)
}

const (
	statsWrite = 5 * time.Second
	statsDrain = 100 * time.Millisecond
)

// serveStats gives whoever connects the statistics of that moment, until ln is
// closed.
func serveStats(ln net.Listener, stats func() proxy.Stats, source string) {
	for {
		c, err := ln.Accept()
		if err != nil {
			if ne, ok := err.(net.Error); ok && ne.Timeout() {
				continue
			}
			return
		}
		b := AppendJSON(nil, stats(), source, time.Now())
		go sendStats(c, b)
	}
}

// sendStats writes b and closes c, after what the other side has sent was read
// away: a close with unread bytes would make the kernel drop b.
func sendStats(c net.Conn, b []byte) {
	defer c.Close()
	_ = c.SetWriteDeadline(time.Now().Add(statsWrite))
	if _, err := c.Write(b); err != nil {
		return
	}
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.CloseWrite()
	}
	_ = c.SetReadDeadline(time.Now().Add(statsDrain))
	_, _ = io.Copy(io.Discard, io.LimitReader(c, 64<<10))
}
