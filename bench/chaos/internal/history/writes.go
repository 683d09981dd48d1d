package history

// writes are the numbered writes of one writer to one key: what was begun, and
// what became of it. All that is not noted was acknowledged or is under way.
type writes struct {
	begun uint64             // the last number given out
	acked uint64             // the highest that was acknowledged
	count uint64             // how many were acknowledged
	other map[uint64]Outcome // those that failed, and those of unknown outcome
}

func (w *writes) begin() uint64 {
	w.begun++
	return w.begun
}

func (w *writes) end(n uint64, o Outcome) {
	if o == Acked {
		w.acked = max(w.acked, n)
		w.count++
		return
	}
	if w.other == nil {
		w.other = map[uint64]Outcome{}
	}
	w.other[n] = o
}

func (w *writes) unknown(n uint64) bool { return w.is(n, Unknown) }

func (w *writes) failed(n uint64) bool { return w.is(n, Failed) }

func (w *writes) is(n uint64, o Outcome) bool {
	got, ok := w.other[n]
	return ok && got == o
}

// failures counts those that failed for certain.
func (w *writes) failures() uint64 {
	count := uint64(0)
	for _, o := range w.other {
		if o == Failed {
			count++
		}
	}
	return count
}
