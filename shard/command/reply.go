package command

// AppendCommandReply appends the RESP2 reply to a COMMAND request that Resolve
// gave the route Local: COMMAND itself, COUNT, INFO, LIST, DOCS and GETKEYS. The
// replies are Redis's, in the order of the table (Redis has no order), except that
// DOCS tells of each command only its summary, age and group.
func (t *Table) AppendCommandReply(dst []byte, a Args) []byte {
	if a.Len() < 2 {
		return t.appendAll(dst)
	}
	switch sub := a.At(1); {
	case IsKeyword(sub, "count"):
		return appendInteger(dst, t.Len())
	case IsKeyword(sub, "info"):
		return t.appendInfos(dst, a)
	case IsKeyword(sub, "list"):
		return t.appendList(dst, a)
	case IsKeyword(sub, "docs"):
		return t.appendDocs(dst, a)
	case IsKeyword(sub, "getkeys") && a.Len() > 2:
		return t.appendGetKeys(dst, a)
	}
	cmd, err := t.Resolve(a)
	if e, ok := err.(Error); ok {
		return appendError(dst, e)
	}
	return appendError(dst, Error("ERR shardring: '"+cmd.Name+"' is not answered from the table"))
}

func (t *Table) appendAll(dst []byte) []byte {
	dst = appendArray(dst, len(t.commands))
	for _, cmd := range t.commands {
		dst = appendInfo(dst, &cmd.Info)
	}
	return dst
}

// appendInfos answers COMMAND INFO [name …]: null for a name that is not there.
func (t *Table) appendInfos(dst []byte, a Args) []byte {
	if a.Len() == 2 {
		return t.appendAll(dst)
	}
	dst = appendArray(dst, a.Len()-2)
	for i := 2; i < a.Len(); i++ {
		if cmd := t.Named(string(a.At(i))); cmd != nil {
			dst = appendInfo(dst, &cmd.Info)
		} else {
			dst = appendNull(dst)
		}
	}
	return dst
}

// appendList answers COMMAND LIST [FILTERBY MODULE name | ACLCAT category |
// PATTERN glob]. The built-in commands are of no module.
func (t *Table) appendList(dst []byte, a Args) []byte {
	keep := func(*Command) bool { return true }
	switch {
	case a.Len() == 2:
	case a.Len() == 5 && IsKeyword(a.At(2), "filterby"):
		arg := a.At(4)
		switch kind := a.At(3); {
		case IsKeyword(kind, "module"):
			keep = func(*Command) bool { return false }
		case IsKeyword(kind, "aclcat"):
			category := Category(string(arg))
			keep = func(c *Command) bool { return c.Categories&category != 0 }
		case IsKeyword(kind, "pattern"):
			pattern := Lower(arg)
			keep = func(c *Command) bool { return MatchGlob(pattern, c.Name) }
		default:
			return appendError(dst, "ERR syntax error")
		}
	default:
		return appendError(dst, "ERR syntax error")
	}
	var names []string
	for cmd := range t.All() {
		if keep(cmd) {
			names = append(names, cmd.Name)
		}
	}
	return appendStrings(dst, names, appendBulk[string])
}

// appendDocs answers COMMAND DOCS [name …], without the names it does not know.
func (t *Table) appendDocs(dst []byte, a Args) []byte {
	commands := t.commands
	if a.Len() > 2 {
		commands = nil
		for i := 2; i < a.Len(); i++ {
			if cmd := t.Named(string(a.At(i))); cmd != nil {
				commands = append(commands, cmd)
			}
		}
	}
	dst = appendArray(dst, 2*len(commands))
	for _, cmd := range commands {
		dst = appendDoc(appendBulk(dst, cmd.Name), &cmd.Info)
	}
	return dst
}

func appendDoc(dst []byte, info *Info) []byte {
	fields := 6
	if len(info.Subcommands) > 0 {
		fields += 2
	}
	dst = appendArray(dst, fields)
	for _, field := range [...]string{"summary", info.Summary, "since", info.Since, "group", info.Group} {
		dst = appendBulk(dst, field)
	}
	if len(info.Subcommands) > 0 {
		dst = appendBulk(dst, "subcommands")
		dst = appendArray(dst, 2*len(info.Subcommands))
		for i := range info.Subcommands {
			sub := &info.Subcommands[i]
			dst = appendDoc(appendBulk(dst, sub.Name), sub)
		}
	}
	return dst
}

// appendGetKeys answers COMMAND GETKEYS request…
func (t *Table) appendGetKeys(dst []byte, a Args) []byte {
	request := Tail(a, 2)
	cmd := t.Lookup(request.At(0))
	if cmd != nil && cmd.subcommands != nil && request.Len() > 1 {
		cmd = cmd.Subcommand(request.At(1))
	}
	switch {
	case cmd == nil:
		return appendError(dst, "ERR Invalid command specified")
	case !cmd.mayHaveKeys():
		return appendError(dst, "ERR The command has no key arguments")
	case !cmd.acceptsArity(request.Len()):
		return appendError(dst, "ERR Invalid number of arguments specified for command")
	}
	// A wrong number of keys is no error of its own here, only no keys.
	keys, _ := cmd.Keys(nil, request)
	if len(keys) == 0 && cmd.Flags&NoMandatoryKeys == 0 {
		return appendError(dst, "ERR Invalid arguments specified for command")
	}
	dst = appendArray(dst, len(keys))
	for _, i := range keys {
		dst = appendBulk(dst, request.At(i))
	}
	return dst
}
