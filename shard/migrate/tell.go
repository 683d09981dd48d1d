package migrate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/shardring/shardring/shard/config"
)

// Told is a proxy that was told to read its file again.
type Told struct {
	Admin string
	Epoch uint64 // that each of its loops serves
	Err   error
}

// tellFor is how long a proxy is given; one that is not told follows by itself.
const tellFor = 10 * time.Second

// tell has every proxy that is known read the file, and waits until each serves it.
// One that does not is a warning: it follows the nodes' roles.
func (m *Move) tell(ctx context.Context) error {
	all := slices.Clone(m.opt.Admin)
	if file, err := config.Load(m.path); err == nil && !file.Proxy.Admin.IsZero() && !slices.Contains(all, file.Proxy.Admin.Address) {
		all = append(all, file.Proxy.Admin.Address)
	}
	m.result.Told = nil
	for _, admin := range all {
		t := Told{Admin: admin}
		t.Epoch, t.Err = reload(ctx, admin)
		m.result.Told = append(m.result.Told, t)
		if t.Err != nil {
			m.warn(Tell, "the proxy at %s was not told: %v; see that it runs, and have it read its file (SIGHUP, or a start); until then it follows the nodes by itself", admin, t.Err)
		} else {
			m.say(Tell, "the proxy at %s serves epoch %d", admin, t.Epoch)
		}
	}
	m.told = true
	return ctx.Err()
}

// reload is POST /reload. It returns the epoch that every loop of the proxy serves.
func reload(ctx context.Context, admin string) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, tellFor)
	defer cancel()
	network := "tcp"
	if strings.HasPrefix(admin, "/") {
		network = "unix"
	}
	tr := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, admin)
	}}
	defer tr.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://shardproxy/reload", nil)
	if err != nil {
		return 0, err
	}
	resp, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return 0, err
	}
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s: %s", resp.Status, bytes.TrimSpace(body))
	}
	var done struct {
		Epoch uint64   `json:"epoch"`
		Loops []uint64 `json:"loops"`
	}
	if err := json.Unmarshal(body, &done); err != nil {
		return 0, err
	}
	for i, e := range done.Loops {
		if e < done.Epoch {
			return 0, fmt.Errorf("its loop %d serves epoch %d, want %d", i, e, done.Epoch)
		}
	}
	return done.Epoch, nil
}
