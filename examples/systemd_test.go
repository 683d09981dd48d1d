package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestSystemdUnit has systemd read the unit, and judge how much of the machine
// the service could reach.
func TestSystemdUnit(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil && runtime.GOOS != "linux" {
		t.Skip("systemd is Linux's")
	}
	if err != nil {
		t.Fatalf("%v: apt-get install -y systemd", err)
	}
	unit, err := os.ReadFile("systemd/shardproxy.service")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable() // any will do
	if err != nil {
		t.Fatal(err)
	}
	installed := strings.ReplaceAll(string(unit), "/usr/local/bin/shardproxy", program)
	path := filepath.Join(t.TempDir(), "shardproxy.service")
	if err := os.WriteFile(path, []byte(installed), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(analyze, "verify", "--man=no", path).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "shardproxy.service:") {
			t.Error(line)
		}
	}
	if err != nil {
		t.Error(err)
	}
	out, err = exec.Command(analyze, "security", "--offline=true", "--threshold=25", path).CombinedOutput()
	if err != nil {
		t.Errorf("its exposure is over 2.5: %v\n%s", err, out)
	}
}
