package stats

import (
	"math"
	"testing"
)

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   Spread
		text   string
	}{
		{[]float64{3, 1, 2}, Spread{3, 2, 1, 3}, "2.00 (1.00–3.00)"},
		{[]float64{4, 1, 2, 3}, Spread{4, 2.5, 1, 4}, "2.50 (1.00–4.00)"},
		{[]float64{7}, Spread{1, 7, 7, 7}, "7.00 (7.00–7.00)"},
	} {
		if got := Of(c.values); got != c.want || got.String() != c.text {
			t.Errorf("Of(%v) = %+v %q, want %+v %q", c.values, got, got, c.want, c.text)
		}
	}
	if none := Of(nil); none.N != 0 || !math.IsNaN(none.Median) || none.String() != "–" {
		t.Errorf("the spread of nothing is %+v, %q", none, none)
	}
}
