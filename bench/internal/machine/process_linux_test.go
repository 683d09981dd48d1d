package machine

import "testing"

func TestParseStatusLine(t *testing.T) {
	if n, ok := parseStatusLine("VmHWM:\t    1234 kB", "VmHWM"); n != 1234<<10 || !ok {
		t.Errorf("got %d, %v", n, ok)
	}
	for _, line := range []string{"VmRSS:\t 1 kB", "VmHWM:\t 1 MB", "VmHWM:\t x kB", ""} {
		if _, ok := parseStatusLine(line, "VmHWM"); ok {
			t.Errorf("read a number from %q", line)
		}
	}
}
