package proxy_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shardring/shardring/proxy/engine"
	"github.com/shardring/shardring/shard/shardtest"
)

const sharedKeys = 200

// sharedValue is the value of the ith key, which no other has; nil: there is none.
func sharedValue(i int) []byte {
	if i%5 == 0 {
		return nil
	}
	return bytes.Repeat(fmt.Appendf(nil, "%d;", i), 1+i%7*i%41*i/10)
}

// TestMemcachedSharedLines has many clients pipeline gets, which go to the servers on lines that
// they share: each hears of its own keys, in its own order, also when a server is lost amid it.
func TestMemcachedSharedLines(t *testing.T) {
	each(t, func(t *testing.T, d engine.Driver) {
		servers := memcachedN(t, 3, shardtest.Args("-t", "2"))
		s := serve(t, d, cacheOf(servers))
		c := dialCache(t, s.addr)
		for i := range sharedKeys {
			if v := sharedValue(i); v != nil {
				c.says(t, fmt.Sprintf("set shared:%d 0 0 %d\r\n%s\r\n", i, len(v), v), "STORED\r\n")
			}
		}
		// ask has clients ask rounds times; whole: no key may be missing.
		ask := func(clients, rounds int, whole bool) {
			var wg sync.WaitGroup
			for i := range clients {
				c := dialCache(t, s.addr)
				c.SetDeadline(time.Now().Add(30 * time.Second))
				rng := rand.New(rand.NewPCG(uint64(i), 7))
				wg.Go(func() {
					for range rounds {
						if err := c.askShared(rng, whole); err != nil {
							t.Errorf("client %d: %v", i, err)
							return
						}
					}
				})
			}
			wg.Wait()
		}
		ask(20, 40, true)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 5 {
				time.Sleep(20 * time.Millisecond)
				if err := servers[1].Kill(); err != nil {
					t.Error(err)
				}
				if err := servers[1].Restart(); err != nil {
					t.Error(err)
				}
			}
		}()
		for ended := false; !ended && !t.Failed(); {
			ask(20, 20, false)
			select {
			case <-done:
				ended = true
			default:
			}
		}
		<-done
	})
}

// askShared pipelines a few gets and looks at their replies.
func (c *cacheConn) askShared(rng *rand.Rand, whole bool) error {
	var request strings.Builder
	var asked [][]int
	for range 1 + rng.IntN(12) {
		keys := make([]int, 1+rng.IntN(5))
		request.WriteString("get")
		for j := range keys {
			keys[j] = rng.IntN(sharedKeys)
			fmt.Fprintf(&request, " shared:%d", keys[j])
		}
		request.WriteString("\r\n")
		asked = append(asked, keys)
	}
	if _, err := io.WriteString(c, request.String()); err != nil {
		return err
	}
	for _, keys := range asked {
		rest := keys
		for {
			line, err := c.r.ReadString('\n')
			if err != nil {
				return fmt.Errorf("get of %v: %w", keys, err)
			}
			if line == "END\r\n" {
				break
			}
			var key, size int
			if _, err := fmt.Sscanf(line, "VALUE shared:%d 0 %d\r\n", &key, &size); err != nil {
				return fmt.Errorf("get of %v: %q", keys, line)
			}
			for len(rest) > 0 && rest[0] != key {
				if whole && sharedValue(rest[0]) != nil {
					return fmt.Errorf("get of %v: %d is missing", keys, rest[0])
				}
				rest = rest[1:]
			}
			if len(rest) == 0 {
				return fmt.Errorf("get of %v: a value of %d", keys, key)
			}
			rest = rest[1:]
			value := make([]byte, size+2)
			if _, err := io.ReadFull(c.r, value); err != nil || string(value) != string(sharedValue(key))+"\r\n" {
				return fmt.Errorf("get of %v: %d is %.60q, %v", keys, key, value, err)
			}
		}
		for _, key := range rest {
			if whole && sharedValue(key) != nil {
				return fmt.Errorf("get of %v: %d is missing", keys, key)
			}
		}
	}
	return nil
}
