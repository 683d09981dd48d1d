package proxy

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/shardring/shardring/shard/config"
)

// Reloaded is what came of a file that was to be taken.
type Reloaded struct {
	// Epoch numbers the files that were taken, from 1 for the first; it is that of
	// the file in effect, and Loops has the epoch that each event loop serves.
	Epoch uint64   `json:"epoch"`
	Loops []uint64 `json:"loops"`
	// Changes say what is different from the file before, as config.Diff does.
	Changes []string `json:"changes"`
	// Restart are settings of the file that take effect with a restart only.
	Restart []string `json:"needs_restart"`
	// Moved are the pools of which keys have other shards now.
	Moved []*config.MovedError `json:"moved"`
}

// ErrNotRunning refuses a file before Run was called and once it ends.
var ErrNotRunning = errors.New("the proxy is not running")

// Reload has the proxy serve another file. Clients stay connected, unless what they
// use is gone: their pool, their user, keys that they watch or listen to on a shard
// or node that is gone. A pool whose listen changed accepts at the new address before
// it gives up the old. It returns when every loop serves the file.
//
// A file that cannot be served is refused and changes nothing; so is one that moves
// keys of a pool, by *config.MovedErrors, unless acceptMoved or the file accepts that. It
// may be called from any goroutine while Run is under way; calls wait for each other.
func (p *Proxy) Reload(file *config.File, acceptMoved bool) (*Reloaded, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reload(file, acceptMoved)
}

// ReloadFile reads the proxy's file again and does what Reload does. by is for the
// log: who or what asked for it. Its error is config.Errors if the file is not
// accepted.
func (p *Proxy) ReloadFile(by string, acceptMoved bool) (*Reloaded, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	file, err := config.Load(p.file.Path)
	if err != nil {
		return nil, p.refused(by, err)
	}
	done, err := p.reload(file, acceptMoved)
	if err != nil {
		return nil, p.refused(by, err)
	}
	p.taken(by, done)
	return done, nil
}

func (p *Proxy) refused(by string, err error) error {
	p.log.Error("configuration refused, that of before stays", "by", by, "file", p.file.Path, "epoch", p.epoch, "error", err)
	return err
}

func (p *Proxy) taken(by string, r *Reloaded) {
	attrs := []any{"by", by, "file", p.file.Path, "epoch", r.Epoch, "changes", strings.Join(r.Changes, "; ")}
	if len(r.Restart) > 0 {
		attrs = append(attrs, "needs_restart", strings.Join(r.Restart, "; "))
	}
	p.log.Info("configuration taken", attrs...)
}

// reload does what Reload does. mu is held.
func (p *Proxy) reload(file *config.File, acceptMoved bool) (*Reloaded, error) {
	if p.ending.Load() || p.attending == nil {
		return nil, ErrNotRunning
	}
	cfgs, err := served(file)
	if err != nil {
		return nil, err
	}
	for _, c := range cfgs {
		if old := p.poolNamed(c.Name); old != nil && old.cfg.Redis != c.Redis {
			return nil, fmt.Errorf("pool %s: redis: %t, and it serves with %t: want another name, or a restart", c.Name, c.Redis, old.cfg.Redis)
		}
	}
	moved := p.moved(cfgs)
	if len(moved) > 0 && !acceptMoved && !file.Proxy.AcceptMovedKeys {
		return nil, movedErrors(moved)
	}
	next, err := p.plan(cfgs)
	if err != nil {
		return nil, err
	}
	before := p.pools
	if err := p.serve(next); err != nil {
		return nil, err
	}
	changes := config.Diff(p.file, file)
	p.file, p.epoch = file, p.epoch+1
	p.settle(before)
	if p.opt.Level != nil {
		p.opt.Level.Set(file.Proxy.LogLevel)
	}
	r := &Reloaded{Epoch: p.epoch, Changes: append([]string{}, changes...), Restart: append([]string{}, p.restart()...), Moved: append([]*config.MovedError{}, moved...)} // never null
	for range p.engine.Loops() {
		r.Loops = append(r.Loops, p.epoch)
	}
	return r, nil
}

// moved returns the pools of which keys would move.
func (p *Proxy) moved(cfgs []*config.Pool) []*config.MovedError {
	var all []*config.MovedError
	for _, c := range cfgs {
		if old := p.poolNamed(c.Name); old != nil {
			if moved := config.Moved(old.cfg, c); moved != nil {
				all = append(all, moved)
			}
		}
	}
	return all
}

func movedErrors(all []*config.MovedError) error {
	errs := make([]error, len(all))
	for i, e := range all {
		errs[i] = e
	}
	return errors.Join(errs...)
}

// plan returns the pools that are to be served, with listeners. Nothing of those that
// there are has changed; a pool that goes on has its Shared and may have its listener,
// or that of a pool that gives it up.
func (p *Proxy) plan(cfgs []*config.Pool) (next []*pool, err error) {
	defer func() {
		if err != nil {
			closeNew(next, p.pools)
		}
	}()
	for _, c := range cfgs {
		pl, err := newPool(c, p.first.Proxy.Zone) // of one that goes on it is the check only
		if err != nil {
			return next, err
		}
		if old := p.poolNamed(c.Name); old != nil {
			pl.shared, pl.leave, pl.left = old.shared, old.leave, old.left
		}
		if holder := p.holder(c); holder != nil {
			pl.ln, pl.opened = holder.ln, holder.opened
		} else if err := pl.listen(); err != nil {
			return next, err
		}
		next = append(next, pl)
	}
	return next, nil
}

// holder returns the pool that listens where cfg wants to, or nil. At port 0 every
// pool is at an address of its own.
func (p *Proxy) holder(cfg *config.Pool) *pool {
	if old := p.poolNamed(cfg.Name); old != nil && old.cfg.Listen.Address == cfg.Listen.Address {
		return old
	}
	i := slices.IndexFunc(p.pools, func(pl *pool) bool {
		return pl.cfg.Listen.Network == cfg.Listen.Network && pl.cfg.Listen.Address == cfg.Listen.Address && !pl.cfg.Listen.AnyPort()
	})
	if i < 0 {
		return nil
	}
	return p.pools[i]
}

// closeNew closes the listeners of next that before does not have.
func closeNew(next, before []*pool) {
	for _, pl := range next {
		if !listensAmong(before, pl.ln) {
			pl.ln.Close()
			removeSocket(pl.ln)
		}
	}
}

func listensAmong(pools []*pool, ln net.Listener) bool {
	return slices.ContainsFunc(pools, func(pl *pool) bool { return pl.ln == ln })
}

// serve has the loops serve the pools of next, or nothing changes.
func (p *Proxy) serve(next []*pool) error {
	undo := func(n int) {
		for _, pl := range next[:n] {
			if old := p.poolNamed(pl.cfg.Name); old != nil {
				_ = pl.shared.Update(old.cfg) // which it has had
			}
		}
		closeNew(next, p.pools)
	}
	for i, pl := range next {
		if p.poolNamed(pl.cfg.Name) == nil {
			continue
		}
		if err := pl.shared.Update(pl.cfg); err != nil {
			undo(i)
			return err
		}
	}
	if err := p.engine.Serve(enginePools(next)); err != nil {
		undo(len(next))
		return err
	}
	p.pools = next
	return nil
}

// settle ends what pools of before have and those of now have not, and begins what is
// new.
func (p *Proxy) settle(before []*pool) {
	for _, old := range before {
		if p.poolNamed(old.cfg.Name) == nil {
			old.leave()
			p.log.Info("removed", "pool", old.cfg.Name)
		}
		if !listensAmong(p.pools, old.ln) {
			removeSocket(old.ln)
		}
	}
	for _, pl := range p.pools {
		i := slices.IndexFunc(before, func(o *pool) bool { return o.cfg.Name == pl.cfg.Name })
		fresh := i < 0
		if fresh || len(config.Diff(only(before[i].cfg), only(pl.cfg))) > 0 {
			pl.leave()
			p.attending(pl)
		}
		if fresh || pl.opened == pl.cfg {
			p.announce(pl)
		}
		if l := pl.cfg.Listen; l.Network == "unix" && l.Mode != 0 && l.Mode != pl.opened.Listen.Mode {
			if err := os.Chmod(l.Address, l.Mode); err != nil {
				p.log.Error("permissions of the socket stay", "pool", pl.cfg.Name, "error", err)
			}
		}
	}
}

func only(cfg *config.Pool) *config.File { return &config.File{Pools: []*config.Pool{cfg}} }

// restart returns the settings in effect that are not those of the file.
func (p *Proxy) restart() []string {
	was, is := p.first.Proxy, p.file.Proxy
	was.AcceptMovedKeys = is.AcceptMovedKeys
	if p.opt.Level != nil {
		was.LogLevel = is.LogLevel
	}
	if p.opt.Loops != p.first.Proxy.Loops { // the file's do not count
		was.Loops = is.Loops
	}
	all := config.Diff(&config.File{Proxy: was}, &config.File{Proxy: is})
	for _, pl := range p.pools {
		if pl.opened.Backlog != pl.cfg.Backlog {
			all = append(all, fmt.Sprintf("pool %s: backlog %d -> %d", pl.cfg.Name, pl.opened.Backlog, pl.cfg.Backlog))
		}
		if pl.opened.ReusePort != pl.cfg.ReusePort {
			all = append(all, fmt.Sprintf("pool %s: reuseport %v -> %v", pl.cfg.Name, pl.opened.ReusePort, pl.cfg.ReusePort))
		}
	}
	return all
}
