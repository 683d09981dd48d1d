package migrate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/shard/config"
)

// act does what a step says. Each act may be done twice: the first may have been cut
// off anywhere.
func (m *Move) act(ctx context.Context, s Step, at seen) error {
	switch s {
	case Prepare:
		return m.prepare(ctx)
	case Attach:
		return m.attach(ctx)
	case Sync:
		return m.sync(ctx, at)
	case Compare:
		if err := m.prepare(ctx); err != nil { // a node that was started again since has forgotten it
			return err
		}
		if err := m.compare(ctx); err != nil || m.header.Way != BySentinels {
			return err
		}
		return m.await(ctx)
	case Freeze:
		return m.freeze(ctx)
	case Demote:
		return m.demote(ctx, at)
	case Promote:
		if err := m.target.follow(ctx, nil); err != nil {
			return err
		}
		if err := m.unpause(ctx); err != nil {
			m.warn(Promote, "%v: writes wait until the pause ends by itself", err)
		}
		m.thawed()
		m.say(Promote, "%s is the primary, offset %d", m.header.Target, at.targetOffset)
		return nil
	case Revert:
		return m.revert(ctx, at)
	case Failover:
		return m.failover(ctx)
	case Elect:
		return m.elect(ctx)
	case Release:
		return m.release(ctx)
	case Rewrite:
		return m.rewrite()
	case Tell:
		return m.tell(ctx)
	case Done:
		return m.journal.finish(finishedPath(m.path, m.header.Pool, m.header.Shard))
	case Detach:
		return m.detach(ctx, at)
	case Aborted:
		return m.aborted(ctx, at)
	}
	return fmt.Errorf("no act for %s", s)
}

// prepare sets what replication and the switch need.
//
// The target begins no full copy to a replica until the switch is over: if a write
// slips in before the source is demoted, the source's data must not be replaced by the
// target's, which lacks it.
func (m *Move) prepare(ctx context.Context) error {
	if m.header.Copy {
		if err := m.copyConfig(ctx); err != nil {
			return err
		}
	}
	for _, n := range []*node{m.source, m.target} {
		if err := m.login(ctx, n); err != nil {
			return err
		}
	}
	if m.header.Way == ByFailover {
		return nil // the node guards itself
	}
	if err := m.change(ctx, m.target, "repl-diskless-sync", "yes"); err != nil {
		return err
	}
	if err := m.change(ctx, m.target, "repl-diskless-sync-delay", "3600"); err != nil {
		return err
	}
	if m.header.Way == BySentinels {
		return m.prefer(ctx)
	}
	return nil
}

// login gives a node the pool's login, for its link to the other one. It stays: the
// nodes may change their roles again.
func (m *Move) login(ctx context.Context, n *node) error {
	if n.password == "" {
		return nil
	}
	err := n.set(ctx, "masterauth", n.password)
	if err == nil && n.user != "" {
		err = n.set(ctx, "masteruser", n.user)
	}
	if err != nil && m.header.Way == ByFailover {
		m.warn(Prepare, "%v: it needs the login of the other node already", err)
		return nil
	}
	return err
}

// change sets a value, when the old one is in the journal.
func (m *Move) change(ctx context.Context, n *node, name, value string) error {
	have, err := n.settings(ctx, name)
	if err != nil {
		return err
	}
	old, ok := have[name]
	if !ok {
		return nil // this version has no such setting
	}
	if err := m.journal.save(setting{Node: n.addr.Addr, Name: name, Value: old}); err != nil {
		return err
	}
	return n.set(ctx, name, value)
}

// copyConfig sets at the target what replication does not carry.
func (m *Move) copyConfig(ctx context.Context) error {
	s, t := m.source.ask(ctx), m.target.ask(ctx)
	if err := errors.Join(s.err, t.err); err != nil {
		return err
	}
	for _, name := range differing(s.config, t.config) {
		if err := m.journal.save(setting{Node: m.header.Target, Name: name, Value: t.config[name], Stays: true}); err != nil {
			return err
		}
		if err := m.target.set(ctx, name, s.config[name]); err != nil {
			m.warn(Prepare, "%v", err)
		}
	}
	for _, name := range unlikeUsers(s.users, t.users) {
		args := []any{"SETUSER", name, "reset"}
		for _, rule := range aclRules(s.users[name]) {
			args = append(args, rule)
		}
		if _, err := m.target.do(ctx, "ACL", args...); err != nil {
			m.warn(Prepare, "user %s: %v", name, err)
		}
	}
	return nil
}

// aclRules are the rules of a line of ACL LIST; selectors, in parentheses, stay whole.
func aclRules(line string) (all []string) {
	depth := 0
	for _, word := range strings.Fields(line) {
		if depth > 0 {
			all[len(all)-1] += " " + word
		} else {
			all = append(all, word)
		}
		depth += strings.Count(word, "(") - strings.Count(word, ")")
	}
	return all
}

func (m *Move) attach(ctx context.Context) error {
	// What the target has is lost in a copy; it was empty, unless that was agreed to.
	if r, _ := replication(ctx, m.target, m.source); r == primary && !m.header.Flush && m.journal.past.attaches == 1 {
		if n, err := redis.Int(m.target.do(ctx, "DBSIZE")); err != nil || n > 0 {
			return errors.Join(err, fmt.Errorf("%s has %d keys now, and had none before: nothing was changed", m.header.Target, n))
		}
	}
	if info, err := m.target.info(ctx, "server"); err == nil && info["run_id"] != m.journal.run {
		if err := m.journal.add(entry{Run: info["run_id"]}); err != nil {
			return err
		}
	}
	if err := m.target.follow(ctx, m.source); err != nil {
		return err
	}
	m.attachedAt = time.Now()
	m.say(Attach, "%s copies %s", m.header.Target, m.header.Source)
	return nil
}

// noLink is how long a target may have no word from the source before its copy begins.
const noLink = 20 * time.Second

// sync tells how far the copy is, and waits a moment.
func (m *Move) sync(ctx context.Context, at seen) error {
	if !m.frozenAt.IsZero() { // the link was lost while writes waited
		if err := m.again(ctx, "the target lost its link"); err != nil {
			return err
		}
	}
	info, err := m.target.info(ctx, "replication")
	if err != nil {
		return sleep(ctx, 100*time.Millisecond) // look says what became of it
	}
	e := Event{Step: Sync, Lag: -1}
	now := time.Now()
	switch {
	case info["master_sync_in_progress"] == "1":
		e.Bytes, e.Total = number(info, "master_sync_read_bytes"), number(info, "master_sync_total_bytes")
		if e.Total <= 0 { // diskless: as much as it was the last time, about
			e.Total = 0
		}
		if m.copying.IsZero() {
			m.copying = now
		}
		if d := now.Sub(m.copying).Seconds(); d > 0 {
			e.Rate = float64(e.Bytes) / d
		}
		if e.Total > 0 && e.Rate > 0 {
			e.Left = time.Duration(float64(e.Total-e.Bytes) / e.Rate * float64(time.Second))
		}
		e.Text = fmt.Sprintf("%s of %s, %s/s", Size(e.Bytes), Size(e.Total), Size(int64(e.Rate)))
		m.attachedAt = now
	case at.linked:
		e.Lag = at.sourceOffset - at.targetOffset
		e.Text = fmt.Sprintf("lacks %s", Size(max(0, e.Lag)))
		m.attachedAt = now
	default:
		m.copying = time.Time{}
		e.Text = "waits for " + m.header.Source + " to begin the copy (its repl-diskless-sync-delay, 5 s by default)"
		if m.attachedAt.IsZero() {
			m.attachedAt = now
		}
		if now.Sub(m.attachedAt) > noLink {
			return fmt.Errorf("%s has had no link to %s for %v: see that it reaches it, and its log (masterauth, output buffer, disk); --resume goes on, --abort takes it back", m.header.Target, m.header.Source, noLink)
		}
	}
	if m.opt.Progress != nil {
		m.opt.Progress(e)
	}
	return sleep(ctx, 100*time.Millisecond)
}

// freeze has writes at the source wait, and waits until the target has all that came
// before.
func (m *Move) freeze(ctx context.Context) error {
	m.result.Attempts++
	hold := m.opt.PauseFor
	if m.header.Way == BySentinels {
		hold = max(hold, holdFor)
	}
	began := time.Now()
	if m.header.Way == ByFence {
		if err := m.fence(ctx); err != nil {
			return err
		}
	} else if err := m.pause(ctx, hold); err != nil {
		return err
	}
	m.frozenAt, m.cutoff = began, began.Add(hold)
	for {
		_, si := replication(ctx, m.source, m.target)
		r, ti := replication(ctx, m.target, m.source)
		if r == ofOther && si != nil && ti["master_link_status"] == "up" && number(ti, "slave_repl_offset") == number(si, "master_repl_offset") {
			return nil
		}
		if time.Now().After(began.Add(hold / 2)) {
			return m.again(ctx, fmt.Sprintf("the target did not catch up in %v", hold/2))
		}
		if err := sleep(ctx, 200*time.Microsecond); err != nil {
			return err
		}
	}
}

func (m *Move) pause(ctx context.Context, d time.Duration) error {
	_, err := m.source.do(ctx, "CLIENT", "PAUSE", strconv.FormatInt(d.Milliseconds(), 10), "WRITE")
	return err
}

// fence has the source refuse writes: as many replicas as that it never has.
func (m *Move) fence(ctx context.Context) error {
	for _, s := range [...][2]string{{"min-replicas-max-lag", "1"}, {"min-replicas-to-write", "100000"}} {
		name := s[0]
		have, err := m.source.settings(ctx, name)
		if err != nil {
			return err
		}
		if _, ok := have[name]; !ok { // before Redis 5
			name = strings.Replace(name, "replicas", "slaves", 1)
		}
		if err := m.change(ctx, m.source, name, s[1]); err != nil {
			return err
		}
	}
	return nil
}

// maxAttempts is how often a switch is begun.
const maxAttempts = 5

// again lets writes go on, and has the switch begin anew.
func (m *Move) again(ctx context.Context, why string) error {
	if err := m.unfreeze(ctx); err != nil {
		return err
	}
	m.warn(Freeze, "attempt %d: %s; nothing was changed", m.result.Attempts, why)
	if m.result.Attempts >= maxAttempts {
		return fmt.Errorf("%d attempts to switch, the last one: %s; the source is the primary as before; --resume tries again, with a longer --pause or when less is written", m.result.Attempts, why)
	}
	m.steady = time.Time{}
	return m.journal.begin(Sync)
}

// unfreeze lets writes go on at the source.
func (m *Move) unfreeze(ctx context.Context) error {
	m.thawed()
	if m.header.Way == ByFence {
		return m.restoreOnly(ctx, m.header.Source)
	}
	return m.unpause(ctx)
}

func (m *Move) thawed() {
	if !m.frozenAt.IsZero() {
		m.result.Frozen = time.Since(m.frozenAt)
		m.frozenAt = time.Time{}
	}
}

func (m *Move) unpause(ctx context.Context) error {
	if m.header.Way != ByPause && m.header.Way != BySentinels {
		return nil
	}
	_, err := m.source.do(ctx, "CLIENT", "UNPAUSE")
	return err
}

// demote makes the source a replica of the target, or waits a little if it is one.
func (m *Move) demote(ctx context.Context, at seen) error {
	if at.source == ofOther {
		return sleep(ctx, time.Millisecond)
	}
	if m.header.Way == BySentinels {
		return m.demoteElected(ctx)
	}
	if m.header.Way == ByPause && !time.Now().Before(m.cutoff) {
		return m.again(ctx, "the pause ran out before the source was demoted")
	}
	return m.source.follow(ctx, m.target)
}

// revert makes the source the primary again: it has a write that the target lacks.
func (m *Move) revert(ctx context.Context, at seen) error {
	if err := m.source.follow(ctx, nil); err != nil {
		return err
	}
	m.steady = time.Time{}
	if m.aborting {
		m.say(Revert, "%s is the primary again", m.header.Source)
		return m.journal.begin(Sync)
	}
	if at.target == unknown || at.restarted {
		return m.again(ctx, "the target was lost in the switch, and the source is the primary again")
	}
	why := fmt.Sprintf("the source has offset %d, the target %d: a write had slipped in, and the source is the primary again", at.sourceOffset, at.targetOffset)
	return m.again(ctx, why)
}

// failover has the source hand over by itself.
func (m *Move) failover(ctx context.Context) error {
	m.result.Attempts++
	host, port, err := net.SplitHostPort(m.header.Target)
	if err != nil {
		return err
	}
	if _, err := m.source.do(ctx, "FAILOVER", "TO", host, port, "TIMEOUT", m.opt.PauseFor.Milliseconds()); err != nil {
		if isReply(err, "ERR FAILOVER already in progress") {
			return nil
		}
		return err
	}
	for end := time.Now().Add(m.opt.PauseFor + m.opt.Timeout); ; {
		s, si := replication(ctx, m.source, m.target)
		t, _ := replication(ctx, m.target, m.source)
		switch {
		case s == ofOther && t == primary:
			return nil
		case s == primary && si["master_failover_state"] == "no-failover":
			return m.again(ctx, "the source gave FAILOVER up")
		case time.Now().After(end):
			return errors.New("FAILOVER does not end: see both nodes' logs; --resume looks again")
		}
		if err := sleep(ctx, time.Millisecond); err != nil {
			return err
		}
	}
}

// release lets go of what was held for the switch, and has both nodes keep their roles
// over a restart.
func (m *Move) release(ctx context.Context) error {
	if err := m.unfreeze(ctx); err != nil {
		m.warn(Release, "%v", err)
	}
	if err := m.restore(ctx); err != nil {
		m.warn(Release, "%v", err)
	}
	linked := false
	for end := time.Now().Add(10 * time.Second); !linked && time.Now().Before(end); {
		r, info := replication(ctx, m.source, m.target)
		if linked = r == ofOther && info["master_link_status"] == "up"; r == unknown {
			break
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	if !linked {
		m.warn(Release, "%s has no link to %s: there is no way back before it has", m.header.Source, m.header.Target)
	}
	if m.header.Way == BySentinels {
		if err := m.agreed(ctx); err != nil {
			return err
		}
	}
	for _, n := range []*node{m.source, m.target} {
		if info, err := n.info(ctx, "server"); err != nil || info["config_file"] == "" {
			continue // it has no file to keep them in
		}
		if _, err := n.do(ctx, "CONFIG", "REWRITE"); err != nil {
			m.warn(Release, "%v: after a restart %s is what its configuration says", err, n.addr)
		}
	}
	return nil
}

// restore sets all values back that the journal has, but for those that stay.
func (m *Move) restore(ctx context.Context) error {
	var errs []error
	for _, s := range m.journal.saved {
		if !s.Stays {
			errs = append(errs, m.at(s.Node).set(ctx, s.Name, s.Value))
		}
	}
	return errors.Join(errs...)
}

func (m *Move) restoreOnly(ctx context.Context, addr string) error {
	var errs []error
	for _, s := range m.journal.saved {
		if s.Node == addr && !s.Stays {
			errs = append(errs, m.at(s.Node).set(ctx, s.Name, s.Value))
		}
	}
	return errors.Join(errs...)
}

// at returns the node of that address; one that is neither source nor target has a
// connection of its own.
func (m *Move) at(addr string) *node {
	switch addr {
	case m.header.Source:
		return m.source
	case m.header.Target:
		return m.target
	}
	if m.others == nil {
		m.others = map[string]*node{}
	}
	if m.others[addr] == nil {
		n := *m.source
		n.conn, n.addr = nil, config.Address{Network: "tcp", Addr: addr}
		m.others[addr] = &n
	}
	return m.others[addr]
}

// rewrite puts the target into the configuration. What was there is kept beside it.
func (m *Move) rewrite() error {
	data, err := os.ReadFile(m.path)
	if err != nil {
		return err
	}
	to, err := parse(m.header.Target)
	if err != nil {
		return err
	}
	text, err := config.SetPrimary(m.path, data, m.header.Pool, m.header.Shard, to)
	if err != nil {
		return err
	}
	if string(text) == string(data) {
		return nil
	}
	info, err := os.Stat(m.path)
	if err != nil {
		return err
	}
	saved := m.path + ".before-move"
	if err := writeFile(saved, data, info.Mode().Perm()); err != nil {
		return err
	}
	if err := writeFile(m.path, text, info.Mode().Perm()); err != nil {
		return err
	}
	m.result.Saved = saved
	m.say(Rewrite, "%s has %s; the old one is %s", m.path, m.header.Target, saved)
	return nil
}

// writeFile replaces a file as a whole: whoever reads it finds the old or the new one.
func writeFile(path string, data []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	return syncDir(path)
}
