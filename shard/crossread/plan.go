package crossread

import (
	"strconv"

	"github.com/shardring/shardring/shard/command"
	"github.com/shardring/shardring/shard/resp"
)

// Plan is one request that several shards answer: what to ask them, and how
// their replies become one.
type Plan struct {
	// Requests are to be sent to their owners, those of one owner in this order.
	Requests []Request
	// MaxBytes refuses replies whose strings hold more bytes than this. 0: no
	// limit.
	MaxBytes int64

	op   *operation
	opts options
	of   []int // where keys are read apart: the request that reads each key
	// refusal is the error that ends the request once the types of its keys are
	// found to be right; "" for none.
	refusal command.Error
}

// Request is what one shard is asked.
type Request struct {
	Owner int // as in the owners given to New
	Name  string
	// Args are the arguments. Keys are views of the request's: they are valid as
	// long as those are.
	Args [][]byte
}

// AppendTo appends the request as RESP.
func (r *Request) AppendTo(dst []byte) []byte {
	dst = resp.AppendArray(dst, 1+len(r.Args))
	dst = resp.AppendBulk(dst, r.Name)
	for _, arg := range r.Args {
		dst = resp.AppendBulk(dst, arg)
	}
	return dst
}

// New plans a request of a command that this package [Supports], whose keys are
// at these positions, as cmd.Keys found them. owners[k] is the shard of the key
// at keys[k]; the numbers mean nothing here but who is the same.
//
// The error is an [*Error] with Redis's text, for a request that Redis refuses
// before it looks at any key.
func New(cmd *command.Command, a command.Args, keys, owners []int) (*Plan, error) {
	p := &Plan{op: operationOf(cmd.Name)}
	if p.op == nil || len(keys) == 0 || len(owners) != len(keys) {
		return nil, refuse("ERR " + cmd.Name + " cannot be read over several shards")
	}
	p.opts, p.refusal = parseOptions(a, keys[len(keys)-1]+1, len(keys), p.op.takes)
	switch {
	case p.refusal != "" && p.op.early:
		return nil, refuse(string(p.refusal))
	case p.refusal != "":
		p.askTypes(a, keys, owners)
	case p.op.each != "":
		p.askEach(a, keys, owners)
	default:
		p.askGroups(a, keys, owners)
	}
	return p, nil
}

// askGroups asks each shard about its keys together.
func (p *Plan) askGroups(a command.Args, keys, owners []int) {
	for i, group := range groupByOwner(owners) {
		r := Request{Owner: owners[group[0]], Name: p.op.rest}
		if i == 0 {
			r.Name = p.op.first
		}
		r.addKeys(a, keys, group, p.op.counted)
		if i == 0 && p.opts.scores {
			r.Args = append(r.Args, []byte("WITHSCORES"))
		}
		p.Requests = append(p.Requests, r)
	}
}

// askEach asks about each key, once if it is there several times.
func (p *Plan) askEach(a command.Args, keys, owners []int) {
	asked := make(map[string]int, len(keys))
	for k, at := range keys {
		i, again := asked[text(a.At(at))]
		if !again {
			i = len(p.Requests)
			asked[text(a.At(at))] = i
			r := Request{Owner: owners[k], Name: p.op.each}
			r.addKeys(a, keys, []int{k}, p.op.counted)
			if p.op.counted {
				r.Args = append(r.Args, []byte("WITHSCORES"))
			}
			p.Requests = append(p.Requests, r)
		}
		p.of = append(p.of, i)
	}
}

// askTypes asks only whether the keys are of the right type, which Redis says
// before it says what is wrong with the options: with an option that does not
// exist, so that a shard refuses in any case and reads nothing.
func (p *Plan) askTypes(a command.Args, keys, owners []int) {
	for _, group := range groupByOwner(owners) {
		r := Request{Owner: owners[group[0]], Name: "ZUNION"}
		r.addKeys(a, keys, group, true)
		r.Args = append(r.Args, []byte("TYPES"))
		p.Requests = append(p.Requests, r)
	}
}

// addKeys adds the keys of a group, with their number before them if counted.
func (r *Request) addKeys(a command.Args, keys, group []int, counted bool) {
	r.Args = make([][]byte, 0, len(group)+2)
	if counted {
		r.Args = append(r.Args, strconv.AppendInt(nil, int64(len(group)), 10))
	}
	for _, k := range group {
		r.Args = append(r.Args, a.At(keys[k]))
	}
}

// groupByOwner returns the indexes of the keys of each owner, in order.
func groupByOwner(owners []int) [][]int {
	var groups [][]int
	group := make(map[int]int)
	for k, owner := range owners {
		i, ok := group[owner]
		if !ok {
			i = len(groups)
			group[owner] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], k)
	}
	return groups
}
