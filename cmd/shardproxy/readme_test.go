package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestREADME runs the commands of the README's console blocks in this folder
// and compares what they print.
func TestREADME(t *testing.T) {
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	for i, block := range strings.Split(string(b), "```console\n") {
		if i == 0 {
			continue
		}
		block, _, ok := strings.Cut(block, "```\n")
		if !ok {
			t.Fatal("a block has no end")
		}
		for _, part := range strings.Split("\n"+block, "\n$ ")[1:] {
			line, want, _ := strings.Cut(part, "\n")
			cmd := exec.Command("bash", "-c", line)
			cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"))
			have, _ := cmd.CombinedOutput() // some are meant to fail
			if strings.TrimSpace(string(have)) != strings.TrimSpace(want) {
				t.Errorf("$ %s\nprints\n%s\nthe README says\n%s", line, have, want)
			}
			commands++
		}
	}
	if commands < 8 {
		t.Errorf("only %d commands", commands)
	}
}
