package command

// AppendConfigReply appends the RESP2 reply to a CONFIG GET request: names and
// values in one array, "" for the two settings that redis-benchmark asks for
// before it starts, nothing for any other. A pool has no configuration of
// Redis's kind; an error here would make redis-benchmark warn, and any value
// would be invented.
func AppendConfigReply(dst []byte, a Args) []byte {
	var names []string
	for i := 2; i < a.Len(); i++ {
		for _, name := range [...]string{"save", "appendonly"} {
			if isKeyword(a.At(i), name) {
				names = append(names, name, "")
			}
		}
	}
	return appendStrings(dst, names, appendBulk[string])
}
