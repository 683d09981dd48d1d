package session

import (
	"strconv"

	"github.com/shardring/shardring/proxy/iobuf"
	"github.com/shardring/shardring/shard/resp"
)

// logged is an entry of a slow log.
type logged struct {
	at   int64  // s
	took int64  // µs
	argv string // as it was encoded
	all  bool   // the command is one that every shard is sent
	text []byte // of the whole entry
}

// slowlogDefault is how many entries SLOWLOG GET returns that does not say.
const slowlogDefault = 10

// slowlogCount returns how many entries a SLOWLOG GET may return, negative for all.
func slowlogCount(a *arguments) int {
	if a.Len() < 3 {
		return slowlogDefault
	}
	n, err := strconv.Atoi(string(a.At(2)))
	if err != nil {
		return 0 // any server explains it
	}
	return n
}

// mergeSlowlog: logs, the newest entry first; one log, of as many entries as each
// shard was asked for. A command that every shard was sent is one entry, that of the
// shard where it took longest, and stands between what each logged before and after:
// the times are in seconds and say less.
func mergeSlowlog(g *gather, out *iobuf.Queue) error {
	logs := make([][]logged, len(g.parts))
	for i := range g.parts {
		var err error
		if logs[i], err = g.parts[i].slowlog(); err != nil {
			return err
		}
	}
	var all []logged
	for g.most < 0 || len(all) < g.most {
		next := newest(logs)
		if next < 0 {
			break
		}
		e := logs[next][0]
		logs[next] = logs[next][1:]
		if e.all {
			for i, l := range logs {
				if i == next || len(l) == 0 || l[0].argv != e.argv || l[0].at < e.at-1 {
					continue
				}
				if l[0].took > e.took {
					e = l[0]
				}
				logs[i] = l[1:]
			}
		}
		all = append(all, e)
	}
	pool := g.req.core.buffer
	out.Append(pool, resp.AppendArray(nil, len(all)))
	for _, e := range all {
		out.Append(pool, e.text)
	}
	return nil
}

// newest returns which log has the newest entry, -1 if they are empty. Of one second
// the commands for all shards are the last: other shards may have them below what
// they logged since.
func newest(logs [][]logged) int {
	best := -1
	for i, l := range logs {
		if len(l) == 0 {
			continue
		}
		if best < 0 || l[0].at > logs[best][0].at || l[0].at == logs[best][0].at && logs[best][0].all && !l[0].all {
			best = i
		}
	}
	return best
}

// slowlog takes a part's reply to SLOWLOG GET: arrays of a number, the time, how long
// it took, the command and more.
func (p *part) slowlog() ([]logged, error) {
	text := make([]byte, p.reply.Len())
	p.reply.Peek(text)
	r := flatReader{rest: text}
	var entries []logged
	for range r.elements() {
		entry := r.rest
		fields := r.elements()
		r.number()
		e := logged{at: r.number(), took: r.number()}
		argv := r.rest
		var words []string
		for range r.elements() {
			words = append(words, r.text())
		}
		e.argv = string(argv[:len(argv)-len(r.rest)])
		for range fields - 4 {
			r.text()
		}
		if r.err != nil {
			return nil, p.unexpected(string(text))
		}
		e.all = p.g.req.session.pool.forAll(words)
		e.text = entry[:len(entry)-len(r.rest)]
		entries = append(entries, e)
	}
	if r.err != nil {
		return nil, p.unexpected(string(text))
	}
	return entries, nil
}

// forAll reports whether a command, of which these are the first words or all, is sent
// to every shard.
func (p *Pool) forAll(words []string) bool {
	if len(words) == 0 {
		return false
	}
	cmd := p.table.Named(words[0])
	if len(words) > 1 {
		if sub := p.table.Named(words[0] + "|" + words[1]); sub != nil {
			cmd = sub
		}
	}
	return cmd != nil && cmd.Everywhere()
}
