package command

// numkeysErrors are the texts with which Redis refuses an argument that counts
// keys. They differ between families of commands.
type numkeysErrors struct {
	least                     int64 // the smallest number of keys the command takes
	notNumber, small, tooMany Error
}

// numkeysFamilies holds the texts by command; the commands' own files of Redis
// (script_lua.c, function.c, t_zset.c, t_set.c, t_list.c) are their source, and a
// test compares them with a server. %s is the command's name.
var numkeysFamilies = []struct {
	names  []string
	errors numkeysErrors
}{
	{
		names: []string{"eval", "eval_ro", "evalsha", "evalsha_ro"},
		errors: numkeysErrors{
			notNumber: "ERR value is not an integer or out of range",
			small:     "ERR Number of keys can't be negative",
			tooMany:   "ERR Number of keys can't be greater than number of args",
		},
	},
	{
		names: []string{"fcall", "fcall_ro"},
		errors: numkeysErrors{
			notNumber: "ERR Bad number of keys provided",
			small:     "ERR Number of keys can't be negative",
			tooMany:   "ERR Number of keys can't be greater than number of args",
		},
	},
	{
		names: []string{"sintercard"},
		errors: numkeysErrors{
			least:     1,
			notNumber: "ERR numkeys should be greater than 0",
			small:     "ERR numkeys should be greater than 0",
			tooMany:   "ERR Number of keys can't be greater than number of args",
		},
	},
	{
		names: []string{"lmpop", "zmpop", "blmpop", "bzmpop"},
		errors: numkeysErrors{
			least:     1,
			notNumber: "ERR numkeys should be greater than 0",
			small:     "ERR numkeys should be greater than 0",
			tooMany:   "ERR syntax error",
		},
	},
}

// numkeysOf returns the texts for a command, nil if it counts no keys. The sorted
// sets' commands name themselves in theirs; a command we do not know gets them too.
func numkeysOf(info Info) *numkeysErrors {
	counts := false
	for i := range info.Specs {
		counts = counts || info.Specs[i].Find.Kind == FindKeyNum
	}
	if !counts {
		return nil
	}
	for i := range numkeysFamilies {
		for _, name := range numkeysFamilies[i].names {
			if name == info.Name {
				return &numkeysFamilies[i].errors
			}
		}
	}
	return &numkeysErrors{
		least:     1,
		notNumber: "ERR value is not an integer or out of range",
		small:     Error("ERR at least 1 input key is needed for '" + info.Name + "' command"),
		tooMany:   "ERR syntax error",
	}
}

// check says what is wrong with the number of keys of a request that spec did not
// fit; nil if that is only that there are none, where the command allows it.
func (e *numkeysErrors) check(spec *KeySpec, a Args) error {
	begin, _ := spec.Begin.find(a)
	at := begin + spec.Find.KeyNumIdx
	if at <= 0 || at >= a.Len() {
		return nil // short of arguments: the server has the words for it
	}
	count, ok := ParseInt(a.At(at))
	switch {
	case !ok:
		return e.notNumber
	case count < e.least:
		return e.small
	case count == 0:
		return nil
	default:
		return e.tooMany
	}
}
