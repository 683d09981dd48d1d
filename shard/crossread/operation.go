package crossread

// operation is how one command is read over shards.
type operation struct {
	name string // in lower case, as the command table has it

	// What the shards are asked. Each about its keys together: the owner of the
	// first key first, the others rest. Or about each key apart: each.
	first, rest string
	each        string

	counted bool // the number of keys stands before them, as in ZUNION 2 a b
	takes   option
	early   bool // a wrong option is refused before the keys are looked at

	combine func(*input) (result, error)
}

// operations are the commands of this package. What the shards are asked keeps
// the result exact and sends little:
//
//   - A union of unions is the union, an intersection of intersections the
//     intersection. Of a difference, the first key's shard subtracts what it has.
//   - ZUNION and ZINTER add scores in an order that depends on every input's
//     size, so each is needed by itself. ZINTER 1 key reads sorted sets and sets,
//     and the former in half the time of ZUNION 1 key.
//   - A HyperLogLog is a string.
var operations = []operation{
	{name: "sunion", first: "SUNION", rest: "SUNION", combine: union},
	{name: "sinter", first: "SINTER", rest: "SINTER", combine: intersect},
	{name: "sdiff", first: "SDIFF", rest: "SUNION", combine: subtract},
	{name: "sintercard", first: "SINTER", rest: "SINTER", takes: limit, early: true, combine: intersect},
	{name: "zunion", each: "ZINTER", counted: true, takes: weights | withScores, combine: aggregateUnion},
	{name: "zinter", each: "ZINTER", counted: true, takes: weights | withScores, combine: aggregateInter},
	{name: "zdiff", first: "ZDIFF", rest: "ZUNION", counted: true, takes: withScores, combine: subtract},
	{name: "zintercard", first: "ZINTER", rest: "ZINTER", counted: true, takes: limit, combine: intersect},
	{name: "pfcount", each: "GET", combine: countUnion},
}

func operationOf(name string) *operation {
	for i := range operations {
		if operations[i].name == name {
			return &operations[i]
		}
	}
	return nil
}

// Supports reports whether this package reads a command over shards, by its
// name in the command table.
func Supports(name string) bool { return operationOf(name) != nil }
