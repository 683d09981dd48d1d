package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/shardring/shardring/bench/chaos/internal/history"
	"github.com/shardring/shardring/shard"
)

func TestErrorsAreBelieved(t *testing.T) {
	one, two := request{keys: []string{"a"}}, request{keys: []string{"a", "b"}}
	for _, test := range []struct {
		name string
		r    request
		err  error
		want history.Outcome
	}{
		{"none", one, nil, history.Acked},
		{"proxy, not sent", one, redis.Error("ERR shard 'p-1' at 1.2.3.4:5: down: connection refused"), history.Failed},
		{"proxy, sent", one, redis.Error("ERR shard 'p-1' at 1.2.3.4:5: timeout: no reply within 3s; the command may or may not have been executed"), history.Unknown},
		{"proxy, split, nothing sent", two, redis.Error("ERR shard 'p-1' at 1.2.3.4:5: down: connection refused"), history.Failed},
		{"proxy, split", two, redis.Error("ERR shard 'p-1' at 1.2.3.4:5: down: connection refused; other shards may have executed their part"), history.Unknown},
		{"server", one, redis.Error("READONLY You can't write against a read only replica."), history.Failed},
		{"server, split", two, redis.Error("READONLY shard 'p-1': You can't write against a read only replica."), history.Unknown},
		{"library, not sent", one, &shard.ShardError{Err: io.EOF, SafeToRetry: true}, history.Failed},
		{"library, sent", one, fmt.Errorf("asked: %w", &shard.ShardError{Err: io.EOF}), history.Unknown},
		{"no connection to the proxy", one, errors.Join(errNotSent, io.EOF), history.Failed},
		{"connection to the proxy lost", one, errors.Join(errConnection, io.EOF), history.Unknown},
		{"something else", one, context.DeadlineExceeded, history.Unknown},
	} {
		if got := outcome(test.r, test.err); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestErrorsOfOneKindAreCountedTogether(t *testing.T) {
	a := errorKind(redis.Error("ERR shard 'p-1' at 127.0.0.1:7001: down: dial tcp [::1]:7: connection refused"))
	b := errorKind(redis.Error("ERR shard 'p-22' at 10.0.0.1:7002: down: dial tcp [::2]:8: connection refused"))
	if a != b || a != "ERR shard at ADDR: down: dial tcp ADDR: connection refused" {
		t.Errorf("%q and %q", a, b)
	}
}
