package resp

// AppendInline appends the request that an inline line means, as an array of
// bulk strings, and returns it. Quoting is that of Redis's sdssplitargs:
// "double" with \n \r \t \b \a \xHH and \anything, 'single' with \'. A line of
// blanks appends an empty array.
func AppendInline(dst, line []byte) ([]byte, error) {
	var args [][]byte
	for i := 0; ; {
		for i < len(line) && blank(line[i]) {
			i++
		}
		if i == len(line) {
			break
		}
		arg, next, ok := splitArg(line, i)
		if !ok {
			return dst, ProtocolError("unbalanced quotes in request")
		}
		args = append(args, arg)
		i = next
	}
	dst = AppendArray(dst, len(args))
	for _, a := range args {
		dst = AppendBulk(dst, a)
	}
	return dst, nil
}

// splitArg reads the argument that starts at line[i].
func splitArg(line []byte, i int) (arg []byte, next int, ok bool) {
	arg = []byte{}
	quote := byte(0)
	for ; i < len(line); i++ {
		c := line[i]
		switch {
		case quote == 0 && blank(c):
			return arg, i, true
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			// A closing quote ends the argument.
			if i+1 < len(line) && !blank(line[i+1]) {
				return nil, 0, false
			}
			return arg, i + 1, true
		case quote == '\'' && c == '\\' && i+1 < len(line) && line[i+1] == '\'':
			arg = append(arg, '\'')
			i++
		case quote == '"' && c == '\\' && i+3 < len(line) && line[i+1] == 'x' && hex(line[i+2]) >= 0 && hex(line[i+3]) >= 0:
			arg = append(arg, byte(hex(line[i+2])<<4|hex(line[i+3])))
			i += 3
		case quote == '"' && c == '\\' && i+1 < len(line):
			i++
			arg = append(arg, unescape(line[i]))
		default:
			arg = append(arg, c)
		}
	}
	return arg, i, quote == 0
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'a':
		return '\a'
	}
	return c
}

func blank(c byte) bool {
	return c == ' ' || c >= '\t' && c <= '\r' || c == 0
}

func hex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
