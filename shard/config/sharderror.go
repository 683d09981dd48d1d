package config

// OnShardError says what a client of the proxy is told of the keys that it asked for and
// whose shard fails.
type OnShardError string

const (
	ShardErrorIsError OnShardError = "error" // the request is answered with an error
	ShardErrorIsMiss  OnShardError = "miss"  // they are answered as if they were not there
)

// onShardErrors returns the values for a pool of Redis or memcached, first the default.
func onShardErrors(redis bool) []OnShardError {
	if redis {
		return []OnShardError{ShardErrorIsError}
	}
	return []OnShardError{ShardErrorIsMiss, ShardErrorIsError}
}

func onShardError() binding[poolDraft] {
	return oneOf([]OnShardError{ShardErrorIsError, ShardErrorIsMiss}, func(p *poolDraft) *OnShardError { return &p.OnShardError })
}

// checkShardError finds what cannot be and gives the default.
func (d *decoder) checkShardError(p *poolDraft) {
	if p.OnShardError == "" {
		p.OnShardError = onShardErrors(p.Redis)[0]
	}
	if p.OnShardError == ShardErrorIsMiss && p.Redis {
		d.add(p.given["on_shard_error"].key, "on_shard_error: miss is for memcached: pool %q has redis: true, and there a key of a shard that failed never looks missing", p.Name)
	}
}
