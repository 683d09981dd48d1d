package migrate

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Header says what a journal is of. It holds no password.
type Header struct {
	Pool   string `json:"pool"`
	Shard  string `json:"shard"`
	Source string `json:"source"`
	Target string `json:"target"`
	Way    Way    `json:"way"`
	Flush  bool   `json:"flush,omitempty"` // what the target holds may be lost
	Kept   bool   `json:"kept,omitempty"`  // the target was a replica before: an abort leaves it one
	Copy   bool   `json:"copy,omitempty"`  // settings and users are copied
}

// entry is one line of a journal: the header, a step that begins, or a setting that
// is about to be changed.
type entry struct {
	Time   time.Time `json:"time"`
	Header *Header   `json:"move,omitempty"`
	Step   *Step     `json:"step,omitempty"`
	Saved  *setting  `json:"saved,omitempty"`
	Boot   string    `json:"boot,omitempty"` // of Freeze: see bootID
	Run    string    `json:"run,omitempty"`  // run_id of the target that was attached
	Note   string    `json:"note,omitempty"`
}

// setting is a value that a node had before the move.
type setting struct {
	Node  string `json:"node"`
	Name  string `json:"name"`
	Value string `json:"value"`
	Stays bool   `json:"stays,omitempty"` // it was copied: only an abort sets it back
}

// journal is the file of a move. Each entry is on the disk when add or begin returns.
type journal struct {
	path   string
	file   *os.File
	header Header
	past   past
	saved  []setting
	boot   string // of the last Freeze
	run    string // run_id of the target when it was attached last
}

// journalPath is where a move of the pool is written down, finishedPath where it goes
// when it is done.
func journalPath(config, pool string) string { return config + "." + pool + ".move" }

func finishedPath(config, pool, shard string) string {
	return config + "." + pool + "." + filepath.Base(shard) + ".moved"
}

// ErrUnfinished refuses a move where another one of the pool was not finished.
var ErrUnfinished = errors.New("a move of this pool is not finished: --resume finishes it, --abort takes it back")

// ErrNoJournal is that there is nothing to resume or abort.
var ErrNoJournal = errors.New("no move was begun here, or it has ended: there is nothing to go on with or to take back")

// create begins a journal.
func create(path string, h Header) (*journal, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s: %w", path, ErrUnfinished)
	}
	if err != nil {
		return nil, err
	}
	j := &journal{path: path, file: f, header: h, past: past{way: h.Way}}
	if err := errors.Join(j.add(entry{Header: &h}), syncDir(path)); err != nil {
		f.Close()
		return nil, err
	}
	return j, nil
}

// load reads a journal. A last line that was not written whole is cut off: its act
// was not begun.
func load(path string) (*journal, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, ErrNoJournal)
	}
	if err != nil {
		return nil, err
	}
	j := &journal{path: path}
	whole := data[:bytes.LastIndexByte(data, '\n')+1]
	lines := bufio.NewScanner(bytes.NewReader(whole))
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		var e entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("%s:%d: not a line of a journal: %w", path, n, err)
		}
		if n == 1 && e.Header == nil {
			return nil, fmt.Errorf("%s:%d: want what is moved in the first line", path, n)
		}
		j.take(e)
	}
	if len(whole) == 0 {
		return nil, fmt.Errorf("%s: a move was written down by half and nothing was begun: remove the file", path)
	}
	if j.past.interrupt(); j.boot != "" && j.boot != bootID() {
		j.crashed()
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(int64(len(whole))); err != nil {
		f.Close()
		return nil, err
	}
	j.file = f
	return j, nil
}

// add writes an entry and waits for the disk, and for all before it.
func (j *journal) add(e entry) error {
	if err := j.write(e); err != nil {
		return err
	}
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	j.take(e)
	return nil
}

func (j *journal) write(e entry) error {
	e.Time = time.Now().UTC()
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// begin notes a step whose act follows.
func (j *journal) begin(s Step) error {
	e := entry{Step: &s}
	if s == Freeze {
		e.Boot = bootID()
	}
	return j.add(e)
}

// beginHeld is begin for Demote and Promote while writes wait, and does not wait for the
// disk: that of a busy machine takes as long as it likes. The entry outlives this
// process, and after a crash of the machine it is known to be missing: see crashed. That of
// Demote by Sentinels says no more than Elect's, which is on the disk.
func (j *journal) beginHeld(s Step) error {
	if j.boot == "" {
		return j.begin(s) // that crash would not be noticed
	}
	e := entry{Step: &s}
	if err := j.write(e); err != nil {
		return err
	}
	j.take(e)
	return nil
}

// bootID differs after each start of this machine, "" where that is not known.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// crashed notes that the machine was started again since writes last began to wait: of
// the switch that followed the disk may have nothing, so it counts as begun.
func (j *journal) crashed() {
	p := &j.past
	if (p.reached == Freeze || p.reached == Demote) && (p.way == ByPause || p.way == ByFence) {
		p.demoted, p.promoted = true, true
	}
}

// save notes a value that is about to be changed, the first time.
func (j *journal) save(s setting) error {
	if j.has(s.Node, s.Name) {
		return nil
	}
	return j.add(entry{Saved: &s})
}

// has says that a value of that name is saved.
func (j *journal) has(node, name string) bool {
	return slices.ContainsFunc(j.saved, func(s setting) bool { return s.Node == node && s.Name == name })
}

// take adds an entry to what is known of the past.
func (j *journal) take(e entry) {
	if e.Header != nil {
		j.header, j.past = *e.Header, past{way: e.Header.Way}
	}
	if e.Saved != nil {
		j.saved = append(j.saved, *e.Saved)
	}
	if e.Run != "" {
		j.run = e.Run
	}
	if e.Step != nil {
		if *e.Step == Freeze {
			j.boot = e.Boot
		}
		j.past.take(*e.Step)
	}
}

// interrupt notes that nobody knows whether the last step was done, so it is done again,
// that a pause has ended, or will, by itself, and that nodes may have been started again.
func (p *past) interrupt() {
	p.frozen, p.compared, p.redo = false, false, p.reached != Planned
	switch p.reached {
	case Prepare:
		p.prepared = false
	case Attach:
		p.attaches--
	case Release:
		p.released = false
	}
}

// take notes that a step was begun.
func (p *past) take(s Step) {
	p.reached, p.redo = s, false
	switch s {
	case Prepare:
		p.prepared = true
	case Attach:
		p.attaches++
	case Sync:
		p.frozen, p.compared, p.demoted, p.promoted = false, false, false, false
	case Compare:
		p.compared = true
	case Freeze:
		p.frozen = true
	case Demote, Failover, Elect:
		p.demoted, p.switched = true, true
	case Promote:
		p.promoted = true
	case Revert:
		p.demoted, p.promoted, p.frozen = false, false, false
	case Release:
		p.released = true
	}
}

// finish puts the journal away as to.
func (j *journal) finish(to string) error {
	if err := j.file.Close(); err != nil {
		return err
	}
	if err := os.Rename(j.path, to); err != nil {
		return err
	}
	return syncDir(to)
}

// lastMove reads the journal of the last finished move of a shard.
func lastMove(config, pool, shard string) (*journal, error) {
	j, err := load(finishedPath(config, pool, shard))
	if errors.Is(err, ErrNoJournal) {
		return nil, fmt.Errorf("shard %s was not moved by this command, which would have left %s", shard, finishedPath(config, pool, shard))
	}
	return j, err
}

// syncDir waits until a name in the path's folder is on the disk.
func syncDir(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrPermission) {
		return err // Windows does not let folders be synced
	}
	return nil
}
