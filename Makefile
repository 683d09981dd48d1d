# What one does with shardring while working on it. `make` lists the targets.
#
# Variables: FUZZTIME, STEPS and SEED (core, diff), KEYS and BYTES (migration), ARGS (bench, chaos, conformance, demo), REDIS_SUITE (conformance).

GO          ?= go
STATICCHECK ?= honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME    ?= 30s
STEPS       ?= 1000000
ARGS        ?=
MODULES     := bench/compare examples/go/goredis examples/go/gomemcache
ifndef SEED
SEED        := $(shell od -An -N4 -tu4 /dev/urandom | tr -d ' ')
endif

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

.PHONY: deps
deps: ## install the real servers and clients that the tests use, if missing (Debian), or say what is
	@.ci/deps

.PHONY: test
test: deps ## all tests, against real servers and clients
	$(GO) test ./...

.PHONY: check
check: deps lint ## all that has to hold before a commit: lint, and the tests under the race detector
	$(GO) test -race ./...
	cd bench/compare && $(GO) test ./...

.PHONY: lint
lint: ## gofmt, go vet (for other systems too), staticcheck
	@files=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$files" || { echo "not gofmt-ed: $$files"; exit 1; }
	$(GO) vet ./...
	GOOS=darwin $(GO) vet ./...
	GOOS=windows $(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	@for module in $(MODULES); do \
		(set -x; cd $$module && $(GO) vet ./... && $(GO) run $(STATICCHECK) ./...) || exit 1; \
	done

.PHONY: clients
clients: deps ## only the tests with other people's clients: redis-cli, redis-benchmark, Python, Node, Ruby, PHP, Go
	$(GO) test -count=1 -v ./examples

.PHONY: core
core: ## a long randomised run of the proxy's core; SEED=… STEPS=… repeat one
	@echo "seed $(SEED), $(STEPS) steps; again: make core SEED=$(SEED) STEPS=$(STEPS)"
	$(GO) test -count=1 -timeout 60m -run '^TestCore$$' -v ./proxy/session -core.seed=$(SEED) -core.steps=$(STEPS)

.PHONY: diff
diff: STEPS = 200000
diff: deps ## a long random run of the proxy over four servers, Redis and memcached, beside one alone; SEED=… STEPS=… repeat one
	@echo "seed $(SEED), $(STEPS) requests; again: make diff SEED=$(SEED) STEPS=$(STEPS)"
	$(GO) test -count=1 -timeout 60m -run '^TestDifference$$' -v ./proxy -diff.seed=$(SEED) -diff.steps=$(STEPS)
	$(GO) test -count=1 -timeout 60m -run '^TestMemcachedDifference$$' -v ./proxy -memcached.diff.seed=$(SEED) -memcached.diff.steps=$(STEPS)

.PHONY: conformance
conformance: ## the test suite of Redis 7.0.15 through the proxy and directly, 20 minutes; needs tcl, git clones the suite
	$(GO) run ./proxy/conformance $(ARGS)

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME each
	@for pkg in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; \
	done

.PHONY: bench
bench: deps ## measure proxy, library and ring beside others, 20 minutes; writes bench/RESULTS.md, bench/LIBRARY.md
	$(GO) run ./bench --set targets --open --single --memcached --idle 1000,10000 --churn 100000 --syscalls --loops --out bench/RESULTS.md $(ARGS)
	cd bench/compare && $(GO) run . all --out ../LIBRARY.md

.PHONY: bench-matrix
bench-matrix: deps ## the proxy under every number of clients, pipeline and size, 11 minutes; writes bench/MATRIX.md
	$(GO) run ./bench --set matrix --out bench/MATRIX.md $(ARGS)

.PHONY: bench-short
bench-short: deps ## the loads that tell most, and latencies at a fixed rate, under 3 minutes; prints only
	$(GO) run ./bench --set short --open $(ARGS)

.PHONY: chaos
chaos: deps ## faults under load with Sentinels, cut networks and reloads, 10 minutes; as root. ARGS="--only split --seconds 20"
	$(GO) run ./bench/chaos $(ARGS)

.PHONY: audit
audit: deps ## find and repair 1,000 misplaced keys among 1,000,000, beside redis-cli --scan
	$(GO) test -count=1 -timeout 20m -run '^TestFindsExactlyAndRepairs$$' -v ./shard/migrate/audit -audit.keys=1000000 -audit.misplaced=1000

.PHONY: migration
migration: KEYS = 1000000
migration: BYTES = 1800
migration: deps ## move a shard of 2 GB, KEYS=… BYTES=…, at half of the maximal load, by each way, there and back; kill it at every step
	$(GO) test -count=1 -timeout 90m -run '^TestMove' -v ./cmd/shardproxy -move.keys=$(KEYS) -move.bytes=$(BYTES) -move.writers=32 \
		-move.watch=3s -move.within=50ms -move.ways=pause,fence,failover,sentinel -move.full

.PHONY: build
build: ## bin/shardproxy
	$(GO) build -trimpath -o bin/ ./cmd/shardproxy

.PHONY: demo
demo: ## shardproxy in front of four shards that it starts itself; needs only Go
	$(GO) run ./cmd/shardproxy demo $(ARGS)
