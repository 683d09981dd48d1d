package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stands is a runtest whose unit has the tests a, b and c, of which b stalls and,
// when unit/gone is asked for, that says nothing.
const stands = `#!/bin/sh
case "$*" in *unit/gone*) echo "couldn't open socket: address already in use"; exit 1;; esac
echo "Testing unit/x"
echo "[ok]: a (0 ms)"
case "$*" in
*"--skiptest b"*)
	echo "[skip]: b"
	echo "[err]: c in tests/unit/x.tcl"
	echo "Expected '1' to be equal to '2'"
	echo "[1/1 done]: unit/x (0 seconds)"
	exit 1;;
esac
echo "[TIMEOUT]: clients state report follows."
echo "sock1 => (IN PROGRESS) b"
exit 1
`

func standIn(t *testing.T) runner {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "runtest"), []byte(stands), 0o755); err != nil {
		t.Fatal(err)
	}
	return runner{suite: suite{dir}, mode: modes[0]}
}

// TestRunPastStall: a unit runs again without the test that stalls.
func TestRunPastStall(t *testing.T) {
	out, err := standIn(t).run(t.Context(), "unit/x", directTarget, nil)
	if err != nil {
		t.Fatal(err)
	}
	if have := statuses(out); have != "passed stalled failed" {
		t.Errorf("have %s: %+v", have, out)
	}
}

// TestRunWithout: what is left out on purpose did not stall.
func TestRunWithout(t *testing.T) {
	out, err := standIn(t).run(t.Context(), "unit/x", directTarget, []string{"b"})
	if err != nil {
		t.Fatal(err)
	}
	if have := statuses(out); have != "passed skipped failed" {
		t.Errorf("have %s: %+v", have, out)
	}
}

// TestRunIsCutShort: a runtest that does not run the unit is an error.
func TestRunIsCutShort(t *testing.T) {
	_, err := standIn(t).run(t.Context(), "unit/gone", directTarget, nil)
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("error %v", err)
	}
}
