package audit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/gomodule/redigo/redis"
)

// ErrSuperseded is returned by Repair when another one of the same servers has
// begun since. What it had not done, the other does.
var ErrSuperseded = errors.New("another repair has begun meanwhile")

// ClaimKey is a key that Repair keeps, while it runs, in every database that it
// moves keys to. Find does not report it. After a crash it expires in a day.
const ClaimKey = "shardring:audit:repair"

const claimSeconds = 24 * 60 * 60

// claim is one Repair's hold on the databases that it moves keys to: the
// ClaimKey of each has its token. The last to begin has it; of two that begin
// at once each may have some, and then both end.
//
// It is needed as undo takes back what was put at home. Without it another
// Repair could find that copy, take it for what a crash left, and delete the
// key where it was; and then the first takes back the copy, and the key is
// nowhere. So both acts need the claim, looked at after the copy was. Whoever
// still has it then knows of the other that it has put nothing yet, if it is
// to come, and takes nothing back, if it came before.
//
// Only the goroutine that gives out keys takes places, each before the first key
// that goes there.
type claim struct {
	token  string
	places [][2]int // server, database; in the order they were taken
	taken  map[[2]int]bool
}

func newClaim() *claim { return &claim{token: rand.Text(), taken: map[[2]int]bool{}} }

// placesOf is where keys go to.
func placesOf(keys []Key) (places [][2]int) {
	known := map[[2]int]bool{}
	for _, k := range keys {
		if p := [2]int{k.to, k.Database}; !known[p] {
			known[p] = true
			places = append(places, p)
		}
	}
	return places
}

// take claims a server's database, once.
func (m *mover) take(ctx context.Context, place [2]int) error {
	if m.claim.taken[place] {
		return nil
	}
	to, err := m.link(ctx, place[0], place[1])
	if err != nil {
		return err
	}
	if _, err := to.Do("SET", ClaimKey, m.claim.token, "EX", claimSeconds); err != nil {
		return m.a.servers[place[0]].wrap(fmt.Errorf("SET %s: %w", ClaimKey, err))
	}
	m.claim.taken[place] = true
	m.claim.places = append(m.claim.places, place)
	return nil
}

// holds returns ErrSuperseded unless the claim is ours, and watches it.
func (m *mover) holds(to *link) error {
	replies, err := to.ask(request{"WATCH", ClaimKey}, request{"GET", ClaimKey})
	if err != nil {
		return err
	}
	token, err := redis.String(replies[1], refusal("GET", replies[1]))
	if err != nil && !errors.Is(err, redis.ErrNil) {
		return err
	}
	if token != m.claim.token {
		return ErrSuperseded
	}
	return nil
}

// release gives back what is still ours.
func (m *mover) release(ctx context.Context) error {
	var first error
	for _, p := range m.claim.places {
		err := func() error {
			to, err := m.link(ctx, p[0], p[1])
			if err != nil {
				return err
			}
			if err := m.holds(to); err == nil {
				_, err = to.removeWatched([]byte(ClaimKey))
				return m.a.servers[p[0]].wrap(err)
			} else if !errors.Is(err, ErrSuperseded) {
				return m.a.servers[p[0]].wrap(err)
			}
			return nil
		}()
		if first == nil {
			first = err
		}
	}
	return first
}
