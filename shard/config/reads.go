package config

// ReadFrom says which servers of a shard answer commands that only read.
type ReadFrom string

const (
	Primary       ReadFrom = "primary"        // the primary, always
	OnlyReplica   ReadFrom = "replica"        // replicas; an error if none may be read from
	PreferReplica ReadFrom = "prefer_replica" // replicas, the primary if none may be read from
	Nearest       ReadFrom = "nearest"        // whoever answers probes fastest
	Any           ReadFrom = "any"            // the primary and the replicas alike
)

func readFroms() []ReadFrom {
	return []ReadFrom{Primary, OnlyReplica, PreferReplica, Nearest, Any}
}

// Balance says how reads are shared out among the servers that may answer them.
type Balance string

const (
	LeastRequests Balance = "least_requests" // of two at random, who has less to do
	RoundRobin    Balance = "round_robin"    // in turn
	Weighted      Balance = "weighted"       // in turn, each as often as its weight
	SameZone      Balance = "same_zone"      // least_requests among those of the proxy's zone, if there is one
)

func balances() []Balance { return []Balance{LeastRequests, RoundRobin, Weighted, SameZone} }

func readFrom() binding[poolDraft] {
	return oneOf(readFroms(), func(p *poolDraft) *ReadFrom { return &p.ReadFrom })
}

func balance() binding[poolDraft] {
	return oneOf(balances(), func(p *poolDraft) *Balance { return &p.Balance })
}

// oneOf is a key that holds one of a few words.
func oneOf[T any, S ~string](known []S, field func(*T) *S) binding[T] {
	return binding[T]{
		read: func(d *decoder, k string, v node, to *T) {
			if w, ok := word(d, k, v, known); ok {
				*field(to) = w
			}
		},
		show: func(from *T) string { return string(*field(from)) },
	}
}

// zone is a key that holds the name of a place.
func zone[T any](field func(*T) *string) binding[T] {
	return binding[T]{
		read: func(d *decoder, k string, v node, to *T) { *field(to), _ = d.name(k, v) },
		show: func(from *T) string { return quoteNonEmpty(*field(from)) },
	}
}

// checkReads finds settings of reads and probes that cannot be.
func (d *decoder) checkReads(p *poolDraft) {
	given := p.given
	if given.has("read_from") && given.possible("read_from") && p.ReadFrom != Primary && !p.Redis && given.possible("redis") {
		d.add(given["read_from"].key, "read_from: %s is for Redis: it needs redis: true in pool %q", p.ReadFrom, p.Name)
	}
	if p.HealthInterval == 0 {
		d.add(given.value("health_interval", p.pos), "health_interval \"0\": want a time, as 2s")
	}
	if p.ConnectTimeout == 0 {
		d.add(given.value("connect_timeout", p.pos), "connect_timeout \"0\": want a time, as 1s")
	}
	if p.SentinelUsername != "" && !given.has(sentinelAuth) {
		d.add(given["sentinel_username"].key, "sentinel_username without a password: want %s", sentinelAuth)
	}
	for _, k := range [...]string{sentinelAuth, "sentinel_username"} {
		if given.has(k) && !given.has("sentinels") {
			d.add(given[k].key, "%s without sentinels: in pool %q", k, p.Name)
		}
	}
}
