# What a developer or a newcomer does with Athanor. `make help` lists the targets.

SHELL := /bin/bash
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
ATHANOR_TEMPORAL := $(CURDIR)/bin/athanor-temporal
export ATHANOR_TEMPORAL
# The flag is part of the build cache's key: one setting for build, vet and test, or all is compiled twice.
export GOFLAGS := -trimpath

.DEFAULT_GOAL := help
.PHONY: help run build web test test-go test-race test-web test-contract test-tools test-e2e lint verify golden setup setup-test clean FORCE

help: ## list the targets
	@awk -F':.*## ' '/^[a-zA-Z_-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup build ## install what is missing, build, and run a laboratory with its demo campaign on 127.0.0.1:8080
	bin/athanor up --demo

build: bin/athanor-temporal web bin/athanor ## build the page and both binaries into bin/

bin/athanor: FORCE
	$(GO) build -ldflags "$(LDFLAGS)" -o $@ ./cmd/athanor

# The Temporal server is a module of its own: about ten CPU minutes the first time, then only when it changes.
bin/athanor-temporal: $(wildcard cmd/athanor-temporal/*.go) cmd/athanor-temporal/go.mod cmd/athanor-temporal/go.sum
	cd cmd/athanor-temporal && $(GO) build -ldflags "-s -w" -o ../../bin/athanor-temporal .

web: web/dist/index.html ## build the page into web/dist

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(shell find web/src web/public web/index.html web/vite.config.ts -type f 2>/dev/null)
	cd web && npm run build

setup: ## install PostgreSQL where the machine has none
	@scripts/setup run

setup-test: ## install what the tests need besides: mosquitto and chromium
	@scripts/setup test

test: setup-test build test-web test-contract test-go lint test-race test-tools test-e2e ## everything, with real services; a missing one is a failure

test-web: web/node_modules/.package-lock.json
	cd web && npm run check && npm test

test-go:
	$(GO) vet ./...
	cd cmd/athanor-temporal && $(GO) vet ./... && $(GO) test -count=1 -timeout 10m ./...
	$(GO) run go.temporal.io/sdk/contrib/tools/workflowcheck@v0.6.0 ./workflows/...
	$(GO) test -count=1 -timeout 25m $$($(GO) list ./... | grep -v -e /internal/e2e -e /conformance -e /internal/chaos)
	$(GO) test -count=1 -timeout 10m ./devices/conformance # by itself: it waits for processes that it kills
	$(GO) test -count=1 -timeout 15m ./internal/chaos # 3,000 commands under kills, and devices that lack something

test-contract: ## the published device contract, held against public tools
	cd devices/spec/check && npm ci --ignore-scripts --no-audit --no-fund && npm run check

test-tools: ## exports of the dataset, read by the tools that people use
	scripts/validators

test-e2e: ## whole laboratories: a campaign, kills, roles as processes, the page in a browser
	$(GO) test -count=1 -timeout 30m ./internal/e2e/...

test-race: ## the packages where goroutines meet, under the race detector
	$(GO) test -race -count=1 -timeout 25m $$($(GO) list ./devices/... | grep -v conformance) ./schedule/... ./workflows/... ./api/... ./internal/postgres/...

lint: ## golangci-lint with the house's rules
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 run ./...

golden: ## rewrite the golden files (look at the difference before you commit)
	$(GO) test ./campaign ./dataset ./planner ./devices ./devices/spec -update
	$(GO) test ./api -run TestContractIsKept -update
	cd web && npm run gen

verify: golden ## generated files are what the code says
	git diff --exit-code -- campaign/schema.json api/openapi.json docs/formats/ldp-1 web/src/api

clean: ## remove what was built
	rm -rf bin web/dist/assets web/dist/index.html web/node_modules
