package demo

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

const module = "github.com/shardring/shardring"

// Module returns the checkout of this module that dir is in, or "".
func Module(dir string) string {
	for {
		if b, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil {
			if bytes.HasPrefix(b, []byte("module "+module+"\n")) {
				return dir
			}
			return ""
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

// WriteScript writes a Go program that talks to addr: with redigo where it is
// run inside the module, which has it, else with the standard library alone.
func WriteScript(path, addr string, redigo bool) error {
	text := scriptNet
	if redigo {
		text = scriptRedigo
	}
	return os.WriteFile(path, fmt.Appendf(nil, text, addr), 0o600)
}

const scriptRedigo = `package main

import (
	"fmt"
	"log"

	"github.com/gomodule/redigo/redis"
)

func main() {
	c, err := redis.Dial("tcp", %q)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Do("MSET", "user:6", "Flo", "user:7", "Gus"); err != nil {
		log.Fatal(err)
	}
	names, err := redis.Strings(c.Do("MGET", "user:6", "user:7"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(names)
}
`

const scriptNet = `// Any Redis client for Go does this better; this one needs no module.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
)

func main() {
	c, err := net.Dial("tcp", %q)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(c, "MSET user:6 Flo user:7 Gus\r\nMGET user:6 user:7\r\nQUIT\r\n")
	if _, err := io.Copy(os.Stdout, c); err != nil {
		log.Fatal(err)
	}
}
`
