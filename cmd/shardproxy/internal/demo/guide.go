package demo

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Guide is what somebody needs to know to play.
type Guide struct {
	Host, Port string // of the proxy
	Program    string // this one, as a shell finds it
	Config     string // path of the configuration file
	Script     string // path of a Go program, written by WriteScript
	Module     string // folder of the module the program is run in; "" needs none
}

// step is one way in. Its commands are left out where program is not
// installed.
type step struct {
	title, program string
	commands       []string
}

func (g *Guide) steps() []step {
	cli := "redis-cli -p " + g.Port + " "
	run := "go run " + g.Script
	if g.Module != "" {
		run = "cd " + quote(g.Module) + " && " + run
	}
	return []step{
		{"redis-cli", "redis-cli", []string{
			cli + "set user:1 Ada",
			cli + "mset user:2 Bo user:3 Cy",
			cli + "mget user:1 user:2 user:3",
			`printf 'MULTI\nINCR visits:{1}\nRPUSH last:{1} Ada\nEXEC\n' | ` + strings.TrimSpace(cli),
		}},
		{"Python (pip install redis)", "python3", []string{
			`python3 -c 'import redis; r = redis.Redis(port=` + g.Port + `); r.set("user:4", "Dee"); print(r.mget("user:1", "user:4"))'`,
		}},
		{"Go", "go", []string{run}},
		{"bash, with nothing installed", "bash", []string{
			`bash -c "exec 3<>/dev/tcp/` + g.Host + `/` + g.Port + `; printf 'SET user:5 Eve\r\nGET user:5\r\nQUIT\r\n' >&3; cat <&3"`,
		}},
		{"Where keys are, and how they are shared out", "", []string{
			g.Program + " locate user:1 user:2 user:3 -c " + g.Config,
			g.Program + " ring -c " + g.Config,
			g.Program + " check --live -c " + g.Config,
		}},
	}
}

// Print writes the guide. Commands are the lines that begin with four spaces.
func (g *Guide) Print(w io.Writer) error {
	var b strings.Builder
	for _, s := range g.steps() {
		if s.program != "" {
			if _, err := exec.LookPath(s.program); err != nil {
				continue
			}
		}
		fmt.Fprintf(&b, "  %s\n", s.title)
		for _, c := range s.commands {
			fmt.Fprintf(&b, "    %s\n", c)
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Self is how a shell finds this program: its name if PATH leads to it, else
// its path.
func Self() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	name := filepath.Base(path)
	if found, err := exec.LookPath(name); err == nil {
		a, errA := os.Stat(found)
		b, errB := os.Stat(path)
		if errA == nil && errB == nil && os.SameFile(a, b) {
			return name
		}
	}
	return quote(path)
}

// quote makes s one word of a shell.
func quote(s string) string {
	plain := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || strings.ContainsRune("/._-+:", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
