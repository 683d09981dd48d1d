package shardtest_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shardring/shardring/shard/shardtest"
)

const asParent = "SHARDTEST_AS_PARENT"

// TestServersEndWithTheirParent runs this test again as a process that starts
// a redis-server, and kills or panics that process.
func TestServersEndWithTheirParent(t *testing.T) {
	if how := os.Getenv(asParent); how != "" {
		parent(t, how)
		return
	}
	for _, how := range []string{"killed", "panicked"} {
		t.Run(how, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestServersEndWithTheirParent$", "-test.v")
			cmd.Env = append(os.Environ(), asParent+"="+how, "TMPDIR="+t.TempDir())
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			pid := 0
			for lines := bufio.NewScanner(out); pid == 0 && lines.Scan(); {
				if _, number, found := strings.Cut(lines.Text(), "child="); found {
					pid, _ = strconv.Atoi(number)
				}
			}
			if pid == 0 {
				t.Fatal("the parent told no pid")
			}
			if how == "killed" {
				_ = cmd.Process.Kill()
			}
			_ = cmd.Wait()
			for deadline := time.Now().Add(5 * time.Second); alive(pid); time.Sleep(5 * time.Millisecond) {
				if time.Now().After(deadline) {
					_ = syscall.Kill(pid, syscall.SIGKILL)
					t.Fatalf("redis-server %d outlived its parent", pid)
				}
			}
		})
	}
}

func parent(t *testing.T, how string) {
	s, err := shardtest.Start(context.Background(), shardtest.RedisSpec())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\nchild=%d\n", s.Pid())
	if how == "panicked" {
		go panic("on purpose")
	}
	select {}
}

// alive is false for a zombie, too: where nobody reaps orphans they stay.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}
