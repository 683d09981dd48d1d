package fleet

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// Link is a way to a server on which bytes can be delayed, held up and dropped.
type Link struct {
	Addr  string // in place of the server's
	proxy *toxiproxy.Proxy
}

// NewLink opens a way to addr on a port of its own.
func NewLink(addr string) (*Link, error) {
	zerolog.SetGlobalLevel(zerolog.Disabled) // toxics log to its global logger
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := toxiproxy.NewProxy(server, addr, "127.0.0.1:0", addr)
	if err := p.Start(); err != nil {
		return nil, err
	}
	return &Link{Addr: p.Listen, proxy: p}, nil
}

// Direction of the bytes that a toxic applies to.
type Direction string

const (
	ToServer   Direction = "upstream"
	FromServer Direction = "downstream"
)

// Add applies a toxic of toxiproxy: latency, bandwidth, timeout, slicer, reset_peer …
func (l *Link) Add(kind string, d Direction, attributes map[string]int) error {
	text, err := json.Marshal(map[string]any{"type": kind, "stream": d, "attributes": attributes})
	if err != nil {
		return err
	}
	_, err = l.proxy.Toxics.AddToxicJson(bytes.NewReader(text))
	return err
}

// Clear ends all toxics.
func (l *Link) Clear() { l.proxy.Toxics.ResetToxics(context.Background()) }

// Close closes the link and its connections.
func (l *Link) Close() { l.proxy.Stop() }
