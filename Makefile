# make            says what there is
# Everything here is a plain go command; make only remembers it.

BIN := bin/jetreduce

.DEFAULT_GOAL := help
.PHONY: help build test race check fuzz chaos bench ci clean

help:    ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build:   ## one static binary, bin/jetreduce
	CGO_ENABLED=0 go build -trimpath -o $(BIN) ./cmd/jetreduce

test:    ## all tests
	go test ./...

race:    ## all tests under the race detector, in random order
	go test -race -shuffle=on -parallel 8 ./...

check:   ## formatting, vet, staticcheck, and that it builds for macOS
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'run gofmt -w on these'; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	GOOS=darwin go vet ./...

TIME ?= 10s
fuzz:    ## every fuzz target for TIME (10s)
	@set -e; for package in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
	    echo "$$package $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(TIME) $$package; \
	  done; done

SCHEDULES ?= 20000
chaos:   ## SCHEDULES (20000) simulated schedules, and workers that die or stall on a real server
	JETREDUCE_SCHEDULES=$(SCHEDULES) go test -count=1 -run 'Every' ./coordinator/simulation
	go test -count=1 -race -shuffle=on -parallel 8 -run 'Die|Fail' ./internal/clustertest

bench:   ## the hot paths, then word count against one careful thread
	go test -run '^$$' -bench . -benchtime 1s ./mapreduce/... ./bus/...
	go run ./cmd/jetreduce bench wordcount

ci:      ## what the project's own CI runs
	.ci/run

clean:   ## remove what was built
	rm -rf bin
