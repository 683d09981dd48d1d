package shardtest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shardring/shardring/shard/shardtest"
)

// recorder is a test that fails only when told to.
type recorder struct {
	failed   bool
	fatal    string
	log      strings.Builder
	cleanups []func()
}

func (r *recorder) Helper()                           {}
func (r *recorder) Name() string                      { return "recorder" }
func (r *recorder) Failed() bool                      { return r.failed }
func (r *recorder) Cleanup(f func())                  { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Logf(format string, args ...any)   { fmt.Fprintf(&r.log, format, args...) }
func (r *recorder) Errorf(format string, args ...any) { r.failed = true; r.Logf(format, args...) }
func (r *recorder) Fatalf(format string, args ...any) {
	r.failed, r.fatal = true, fmt.Sprintf(format, args...)
}

func (r *recorder) end() {
	for _, f := range r.cleanups {
		f()
	}
}

func TestLogIsShownOnlyWhenTheTestFails(t *testing.T) {
	for _, failed := range []bool{false, true} {
		r := &recorder{failed: failed}
		s := shardtest.Redis(r)
		r.end()
		if shown := strings.Contains(r.log.String(), "Ready to accept connections"); shown != failed {
			t.Errorf("failed %v: log shown %v", failed, shown)
		}
		if s.State() != shardtest.Closed {
			t.Errorf("state after the test is %v", s.State())
		}
	}
}

func TestMissingProgramFailsTheTest(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	r := &recorder{}
	if s := shardtest.Redis(r); s != nil {
		t.Fatal("found a redis-server in an empty folder")
	}
	if !strings.Contains(r.fatal, "apt-get install -y redis-server") {
		t.Fatalf("the test was told %q", r.fatal)
	}
}

func TestFailedActionFailsTheTest(t *testing.T) {
	r := &recorder{}
	s := shardtest.Redis(r)
	_ = s.Kill()
	if err := s.Pause(); err == nil || !r.failed {
		t.Fatalf("pausing a dead server: %v, test failed: %v", err, r.failed)
	}
	r.end()
}
