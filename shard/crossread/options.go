package crossread

import "github.com/shardring/shardring/shard/command"

// option is a set of options that a command takes.
type option uint8

const (
	weights    option = 1 << iota // WEIGHTS w [w …] and AGGREGATE
	withScores                    // WITHSCORES
	limit                         // LIMIT n
)

// options are what stands behind the keys of a request.
type options struct {
	weights []float64 // one a key; nil: all 1
	how     aggregation
	scores  bool
	limit   int64 // 0: none
}

// aggregation makes one score of two.
type aggregation uint8

const (
	sum aggregation = iota
	least
	greatest
)

var aggregationNames = [...]string{sum: "sum", least: "min", greatest: "max"}

// String returns AGGREGATE's word for it.
func (h aggregation) String() string { return aggregationNames[h] }

// Error replies of Redis's t_zset.c and t_set.c.
const (
	syntaxError   command.Error = "ERR syntax error"
	notAWeight    command.Error = "ERR weight value is not a float"
	negativeLimit command.Error = "ERR LIMIT can't be negative"
)

// parseOptions reads the arguments from position i on as
// zunionInterDiffGenericCommand and sinterCardCommand do: an option may be
// repeated, the last one counts. The error is Redis's, "" for none.
func parseOptions(a command.Args, i, keys int, takes option) (options, command.Error) {
	var o options
	for n := a.Len(); i < n; {
		is := func(word string, set option, follow int) bool {
			return takes&set != 0 && n-i > follow && command.IsKeyword(a.At(i), word)
		}
		switch {
		case is("weights", weights, keys):
			o.weights = make([]float64, keys)
			for k := range o.weights {
				w, ok := parseDouble(a.At(i + 1 + k))
				if !ok {
					return o, notAWeight
				}
				o.weights[k] = w
			}
			i += 1 + keys
		case is("aggregate", weights, 1):
			how, ok := aggregationOf(a.At(i + 1))
			if !ok {
				return o, syntaxError
			}
			o.how = how
			i += 2
		case is("withscores", withScores, 0):
			o.scores = true
			i++
		case is("limit", limit, 1):
			v, ok := command.ParseInt(a.At(i + 1))
			if !ok || v < 0 {
				return o, negativeLimit
			}
			o.limit = v
			i += 2
		default:
			return o, syntaxError
		}
	}
	return o, ""
}

func aggregationOf(arg []byte) (aggregation, bool) {
	for i, name := range aggregationNames {
		if command.IsKeyword(arg, name) {
			return aggregation(i), true
		}
	}
	return 0, false
}
