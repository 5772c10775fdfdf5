# Every command of the repository. `make` alone prints this list; what a target
# does is the text after ##.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
REVISION ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
IMAGE   ?= planhat-bridge:$(VERSION)
FUZZTIME ?= 10s
SANDBOX_DURATION ?= 20s
EVENTS ?= 10000
ENDUSERS ?= 1000000
KILLS   ?= 1000
SEED    ?= 0
PART    ?= 0
ROLE    ?=

MODULE  := github.com/planhat-bridge/planhat-bridge
LDFLAGS := -s -w -X $(MODULE)/internal/ops.version=$(VERSION)
BUILD   := CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)'
CHART   := deploy/helm/planhat-bridge

# Tools are pinned in modules of their own, away from the product's go.sum.
GOLANGCI := $(GO) tool -modfile=tools/golangci-lint/go.mod golangci-lint
HELM     := $(GO) tool -modfile=tools/helm/go.mod helm

.DEFAULT_GOAL := help
.SUFFIXES:

.PHONY: help
help: ## print this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z][a-z-]*:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: build
build: ## compile every program into bin/
	$(BUILD) -o bin/ ./cmd/...

.PHONY: test
test: ## run all tests (needs only Go)
	$(GO) test ./...

.PHONY: stories
stories: ## tell every variant of every fault, outage, switch and point, of which `make test` tells a share
	STORIES=all $(GO) test -count=1 -timeout 60m ./test/faults ./test/brokerfaults ./test/sinkfaults ./test/freshness ./test/pairs ./test/crash ./test/scale

.PHONY: race
race: ## run all tests with the race detector
	$(GO) test -race -count=1 ./...

.PHONY: lint
lint: ## run go vet and the pinned golangci-lint
	$(GO) vet ./...
	$(GOLANGCI) run

.PHONY: lint-config
lint-config: ## prove that the lint rules bite
	.ci/lint-rules.sh

.PHONY: fmt
fmt: ## format Go files and sort their imports
	$(GOLANGCI) fmt

.PHONY: tidy-check
tidy-check: ## fail if go.mod or go.sum is not tidy
	.ci/tidy.sh

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (10s)
	.ci/fuzz.sh $(FUZZTIME)

.PHONY: crash
crash: ## kill real processes at named points, hold them to the oracle
	STORIES=all $(GO) test -count=1 -v -timeout 10m ./test/crash/...

.PHONY: storm
storm: ## EVENTS (10000) of a Pipedrive account, with everything that can happen to webhooks, calls and processes
	STORM_EVENTS=$(EVENTS) $(GO) test ./test/pipedrive -run TestStorm -count=1 -v -timeout 30m

.PHONY: soak
soak: ## kill processes KILLS (1000) times at random, by SEED (0: another one each time), of ROLE (source, sink, or both)
	$(GO) test -count=1 -v -timeout 60m ./test/crash -run TestRandomKills -kills $(KILLS) -seed $(SEED) -role '$(ROLE)'

.PHONY: protections
protections: ## take each protection out and see its test fail (PART=1 to 8: an eighth of them)
	$(GO) run ./test/protections -part $(PART)

.PHONY: pairs
pairs: ## run the whole bridge against every pair of the vendor's oddities
	STORIES=all $(GO) test -count=1 -timeout 15m ./test/pairs

.PHONY: bench
bench: ## measure CPU per record beside the floor program, in one run
	$(GO) run ./bench

.PHONY: throughput
throughput: ## hold the sink to its rates: 100,000 commands in bulk and in order, 20,000 singly, 429s
	THROUGHPUT_WHOLE=1 $(GO) test -count=1 -v -timeout 30m ./test/throughput

.PHONY: scale
scale: ## take a source through its life with ENDUSERS (1000000) records
	SCALE_ENDUSERS=$(ENDUSERS) $(GO) test -count=1 -v -timeout 90m -run LargeTenant ./test/scale

.PHONY: warehouse
warehouse: ## keep tables of PostgreSQL equal to Planhat by Kafka Connect (Maven, JDK, PostgreSQL)
	bash .ci/run warehouse

.PHONY: examples
examples: ## run the examples of four languages and the automations against a sandbox
	bash .ci/run examples

.PHONY: sandbox
sandbox: ## run it all in one process against a simulated vendor
	$(GO) run ./cmd/sandbox --duration $(SANDBOX_DURATION)

.PHONY: docs
docs: ## write golden files and generated pages anew (one command; look at the diff)
	.ci/golden.sh

.PHONY: image
image: ## build the container image (PREBUILT=1: from local binaries, nothing is pulled)
ifeq ($(PREBUILT),1)
	rm -rf bin/image
	$(BUILD) -o bin/image/ ./cmd/source ./cmd/sink ./cmd/planhatctl
	install -D -m 0644 /etc/ssl/certs/ca-certificates.crt bin/image/etc/ssl/certs/ca-certificates.crt
	docker build --target prebuilt --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) -t $(IMAGE) .
else
	docker build --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) -t $(IMAGE) .
endif

.PHONY: chart-lint
chart-lint: ## lint and render the chart with every file of values in its ci/
	HELM='$(HELM)' .ci/chart.sh $(CHART)

.PHONY: ci
ci: ## run the whole gate, as on a bare machine
	bash .ci/run

.PHONY: clean
clean: ## remove what build and image made
	rm -rf bin .cache
