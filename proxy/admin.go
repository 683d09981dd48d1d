package proxy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/shardring/shardring/shard/config"
)

// page is one page of the admin's.
type page struct {
	method, path string
	about        string
	serve        http.HandlerFunc
}

// pages are all of them, in the order in which / lists them.
func (p *Proxy) pages() []page {
	return []page{
		{"GET", "/", "this list", p.index},
		{"GET", "/healthz", "ok, while clients are served", p.healthz},
		{"GET", "/config", "the file in effect as it is understood, without passwords", p.config},
		{"POST", "/reload", "read the file again; ?accept=moved-keys takes one that places keys on other shards", p.postReload},
	}
}

// serveAdmin serves the pages at the admin's address. end ends that, and waits.
func (p *Proxy) serveAdmin() (end func()) {
	if p.admin == nil {
		return func() {}
	}
	mux := http.NewServeMux()
	for _, pg := range p.pages() {
		path := pg.path
		if path == "/" {
			path = "/{$}" // and nothing below it
		}
		mux.HandleFunc(pg.method+" "+path, pg.serve)
	}
	// A page that a browser shows must not be able to have it say POST here.
	srv := &http.Server{Handler: http.NewCrossOriginProtection().Handler(mux), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := srv.Serve(p.admin); !errors.Is(err, http.ErrServerClosed) {
			p.log.Error("admin ended", "error", err)
		}
	}()
	p.log.Info("admin", "addr", p.admin.Addr().String())
	return func() {
		srv.Close()
		<-done
		removeSocket(p.admin)
	}
}

func (p *Proxy) index(w http.ResponseWriter, _ *http.Request) {
	for _, pg := range p.pages() {
		fmt.Fprintf(w, "%-4s %-10s %s\n", pg.method, pg.path, pg.about)
	}
}

func (p *Proxy) healthz(w http.ResponseWriter, _ *http.Request) {
	if p.ending.Load() {
		http.Error(w, ErrNotRunning.Error(), http.StatusServiceUnavailable)
		return
	}
	io.WriteString(w, "ok\n")
}

func (p *Proxy) config(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	file, epoch, restart := p.file, p.epoch, p.restart()
	p.mu.Unlock()
	w.Header().Set("Content-Type", "application/yaml")
	fmt.Fprintf(w, "# %s, epoch %d\n", file.Path, epoch)
	for _, r := range restart {
		fmt.Fprintf(w, "# with the next restart: %s\n", r)
	}
	_, _ = file.WriteTo(w) // the client may be gone
}

// refusal is the answer to a POST /reload that changed nothing.
type refusal struct {
	Error    string               `json:"error"`
	Problems []problem            `json:"problems,omitempty"` // of the file
	Moved    []*config.MovedError `json:"moved,omitempty"`
	Epoch    uint64               `json:"epoch"` // still in effect
}

type problem struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

// acceptMoved is what a request says that accepts moved keys.
const acceptMoved = "moved-keys"

// postReload answers when every loop serves the file: 200 with Reloaded; 422 if the
// file cannot be served, 409 if it moves keys, 400 if the request asks for something
// that there is not.
func (p *Proxy) postReload(w http.ResponseWriter, r *http.Request) {
	accept, err := accepted(r.URL.RawQuery)
	if err != nil {
		p.refuse(w, http.StatusBadRequest, err)
		return
	}
	done, err := p.ReloadFile("POST /reload", accept)
	var moved *config.MovedError
	switch {
	case err == nil:
		answer(w, http.StatusOK, done)
	case errors.As(err, &moved):
		p.refuse(w, http.StatusConflict, err)
	case errors.Is(err, ErrNotRunning):
		p.refuse(w, http.StatusServiceUnavailable, err)
	default:
		p.refuse(w, http.StatusUnprocessableEntity, err)
	}
}

// accepted reads ?accept=moved-keys and refuses everything else.
func accepted(query string) (bool, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return false, err
	}
	for name, words := range values {
		for _, word := range words {
			if name != "accept" || word != acceptMoved {
				return false, fmt.Errorf("%s=%s: want accept=%s or nothing", name, word, acceptMoved)
			}
		}
	}
	return slices.Contains(values["accept"], acceptMoved), nil
}

func (p *Proxy) refuse(w http.ResponseWriter, status int, err error) {
	p.mu.Lock()
	no := refusal{Error: err.Error(), Epoch: p.epoch}
	p.mu.Unlock()
	var problems config.Errors
	if errors.As(err, &problems) {
		for _, e := range problems {
			msg := strings.TrimPrefix(e.Error(), fmt.Sprintf("%s:%d:%d: ", e.File, e.Line, e.Column))
			no.Problems = append(no.Problems, problem{e.Line, e.Column, msg})
		}
	}
	no.Moved = movedOf(err)
	answer(w, status, no)
}

// movedOf returns the MovedErrors of what Reload returned.
func movedOf(err error) (all []*config.MovedError) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			if m, ok := e.(*config.MovedError); ok {
				all = append(all, m)
			}
		}
	}
	return all
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // "->" is not for a browser
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // the client may be gone
}
