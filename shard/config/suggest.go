package config

// nearest returns the word of known that is the fewest edits away from word,
// or "" when none is near enough to be a slip of the fingers: one edit for
// every three letters, at least one.
func nearest(word string, known []string) string {
	best, limit := "", max(1, len([]rune(word))/3)
	for _, k := range known {
		if d := edits(word, k); d <= limit && (best == "" || d < edits(word, best)) {
			best = k
		}
	}
	return best
}

// edits counts the insertions, deletions, replacements and swaps of two
// neighbours that turn a into b (optimal string alignment; case counts for
// nothing, "-" and "_" are one letter).
func edits(a, b string) int {
	x, y := fold(a), fold(b)
	two := make([]int, len(y)+1) // the row before the last
	last := make([]int, len(y)+1)
	row := make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := range x {
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], two[j-1]+1)
			}
		}
		two, last, row = last, row, two
	}
	return last[len(y)]
}

func fold(s string) []rune {
	r := []rune(s)
	for i, c := range r {
		switch {
		case 'A' <= c && c <= 'Z':
			r[i] = c + 'a' - 'A'
		case c == '-':
			r[i] = '_'
		}
	}
	return r
}
