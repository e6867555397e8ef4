# make            says what there is
# Everything here is a plain go command; make only remembers it.

BIN := bin/jetreduce

.DEFAULT_GOAL := help
.PHONY: help build image test race check fuzz simulate chaos recovery bench compose ci clean

help:    ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build:   ## one static binary, bin/jetreduce
	CGO_ENABLED=0 go build -trimpath -o $(BIN) ./cmd/jetreduce

IMAGE := bin/image
image:   ## a container image with that binary and nothing else, jetreduce
	mkdir -p $(IMAGE)/store $(IMAGE)/tmp
	CGO_ENABLED=0 go build -trimpath -o $(IMAGE)/jetreduce ./cmd/jetreduce
	docker build --quiet --tag jetreduce .

test:    ## all tests
	go test ./...

race:    ## all tests under the race detector, in random order
	go test -race -shuffle=on -parallel 8 ./...

check:   ## formatting, vet, staticcheck, and that it builds for macOS
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'run gofmt -w on these'; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	GOOS=darwin go vet ./...

# A number of inputs, not a time: go's fuzzer may report its own deadline as the target's failure (golang/go#75804).
INPUTS ?= 100000x
fuzz:    ## every fuzz target on INPUTS (100000x) inputs
	@set -e; for package in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
	    echo "$$package $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(INPUTS) $$package; \
	  done; done

SCHEDULES ?= 20000
simulate: ## SCHEDULES (20000) simulated schedules, and workers that die or stall on a real server
	JETREDUCE_SCHEDULES=$(SCHEDULES) go test -count=1 -run 'Every' ./coordinator/simulation
	go test -count=1 -race -shuffle=on -parallel 8 -run 'Die|Fail' ./internal/clustertest

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
recovery: ## time to go on when something is killed, TRIALS (20) times each; what state costs: ONLY=leader,host,worker,server,cost
	go run ./internal/chaos/main -recovery $(TRIALS) $(if $(ONLY),-only $(ONLY))

bench:   ## the hot paths, then word count against one careful thread
	go test -run '^$$' -bench . -benchtime 1s ./mapreduce/... ./bus/...
	go run ./cmd/jetreduce bench wordcount

compose: ## the system in containers, killed and compared
	test/compose

ci:      ## what the project's own CI runs
	.ci/run

clean:   ## remove what was built
	rm -rf bin
