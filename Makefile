# make            says what there is
# Everything here is a plain go command; make only remembers it.

BIN := bin/jetreduce

.DEFAULT_GOAL := help
.PHONY: help build image test race check portable fuzz simulate scale chaos recovery bench compose ci clean

help:    ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build:   ## one static binary, bin/jetreduce
	CGO_ENABLED=0 go build -trimpath -o $(BIN) ./cmd/jetreduce

IMAGE := bin/image
image:   ## a container image with that binary and nothing else, jetreduce
	mkdir -p $(IMAGE)/store $(IMAGE)/tmp
	CGO_ENABLED=0 go build -trimpath -o $(IMAGE)/jetreduce ./cmd/jetreduce
	docker build --quiet --build-arg VERSION="$$($(IMAGE)/jetreduce version | cut -d' ' -f2)" --tag jetreduce .

test:    ## all tests
	go test ./...

race:    ## all tests under the race detector, in random order
	go test -race -shuffle=on -parallel 8 ./...

check:   ## formatting, vet, staticcheck
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'run gofmt -w on these'; exit 1; }
	go vet ./...
	go tool staticcheck ./...

portable: ## vet for macOS, and of the module beside
	GOOS=darwin go vet ./...
	go -C bench/peers vet ./...

# A number of inputs, not a time: go's fuzzer may report its own deadline as the target's failure (golang/go#75804).
INPUTS ?= 100000x
ROOMS  ?= .
fuzz:    ## every fuzz target, or those of ROOMS, on INPUTS (100000x) inputs
	@set -e; for file in $$(grep -rl --include='*_test.go' '^func Fuzz' $(ROOMS)); do \
	  for target in $$(grep -ho '^func Fuzz[A-Za-z0-9]*' $$file | cut -d' ' -f2); do \
	    echo "$$file $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(INPUTS) ./$$(dirname $$file); \
	  done; done

SCHEDULES ?= 20000
simulate: ## SCHEDULES (20000) simulated schedules, and workers that die or stall on a real server
	JETREDUCE_SCHEDULES=$(SCHEDULES) JETREDUCE_MUTANTS=all go test -count=1 -run 'Every|Mutants' ./coordinator/simulation
	go test -count=1 -race -shuffle=on -parallel 8 -run 'Die|Fail' ./internal/clustertest

WORKERS ?= 1000
SPLITS  ?= 1000000
SCALE   ?=
scale:   ## the coordinator's decisions for WORKERS (1000) and SPLITS (1000000), simulated: SCALE='-bus -kill-rate 0.1'; see docs/scale.md
	go run ./coordinator/scale/main -workers $(WORKERS) -splits $(SPLITS) $(SCALE)

# For a failure that it prints, the first SEED makes nearly the same schedule again.
SEED     ?=
RUNS     ?= 0
TIME     ?= $(if $(filter-out 0,$(RUNS)),0s,2m)
BYTES    ?= 20000000
SPAN     ?= 20s
TOPOLOGY ?= bus,hosted
chaos:   ## real processes killed, paused, stopped, cut off; results compared: SEED= RUNS= TIME=2m BYTES= SPAN=20s TOPOLOGY=bus,hosted,three
	go run ./internal/chaos/main $(if $(SEED),-seed $(SEED)) -runs $(RUNS) -time $(TIME) -bytes $(BYTES) -span $(SPAN) -topology $(TOPOLOGY)

TRIALS ?= 20
ONLY   ?=
recovery: ## time to go on when something is killed, TRIALS (20) times each; what state costs: ONLY=leader,host,worker,server,cost,adapter
	go run ./internal/chaos/main -recovery $(TRIALS) $(if $(ONLY),-only $(ONLY))

BENCH ?=
bench: build ## the hot paths, then whole jobs against baselines: BENCH='--rounds 5 sort-1g'; see docs/benchmarks.md
	go test -run '^$$' -bench . -benchtime 1s ./mapreduce/... ./bus/...
	$(BIN) bench $(BENCH)

compose: ## the system in containers, killed and compared
	test/compose

ci:      ## what the project's own CI runs
	.ci/run

clean:   ## remove what was built
	rm -rf bin
