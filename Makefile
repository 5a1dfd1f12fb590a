# Everything one does with this repository. `make` alone lists it.

.DEFAULT_GOAL := help
.PHONY: help demo test check-api chaos lint fmt bench bench-hub web setup setup-build setup-lint
MAKEFLAGS += --no-print-directory

export RUSTDOCFLAGS = -D warnings

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 16

demo: setup-build web ## build the server and start it with a living synthetic city
	cargo build --release --locked
	target/release/riderhub demo

test: setup web ## all tests; those that need MariaDB or Redis start private ones
	cargo test --workspace --locked --no-fail-fast
	scripts/check-api
	@if [ -n "$(WEB_READY)" ]; then npm --prefix static test --if-present; fi

check-api: setup web ## ask a server all that its API document allows, and more; scripts/check-api --help
	scripts/check-api

chaos: setup web ## ten seeds of the chaos test; CHAOS_SEED=n begins with another one
	RIDERHUB_CHAOS_SEED=$(or $(CHAOS_SEED),1) RIDERHUB_CHAOS_SEEDS=10 \
		cargo test --locked --test chaos -- --nocapture

lint: setup-lint web ## formatting, clippy, rustdoc, dependencies
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo doc --workspace --no-deps --locked --quiet
	cargo deny --log-level error check bans licenses sources

fmt: ## format the code
	cargo fmt --all

bench: setup-build ## measure the route planner, the fan-out and the index of riders
	cargo bench --locked -p domain --bench route
	cargo bench --locked -p actors --bench fan_out
	cargo bench --locked -p actors --bench fleet

bench-hub: setup-build ## measure the hub beside other servers and write docs/performance.md
	scripts/bench-hub

setup: ## install what tests need and this machine lacks
	@scripts/setup

setup-build:
	@scripts/setup --build

setup-lint:
	@scripts/setup --lint

# ---- web pages ---------------------------------------------------------------------------------------------------

NODE := $(shell command -v node 2>/dev/null)
WEB_READY := $(and $(NODE),$(wildcard static/package.json))
WEB_SOURCES := $(shell find static -type f -not -path 'static/node_modules/*' -not -path 'static/dist/*' 2>/dev/null)
WEB_STAMP := target/web.stamp
NPM_STAMP := static/node_modules/.package-lock.json

ifeq ($(WEB_READY),)
web: ## build the web pages into static/dist
	@mkdir -p static/dist
	@echo "web: skipped, $(if $(NODE),static/package.json is not there,Node.js is not installed: the server will have no pages)"
else
web: $(WEB_STAMP)
endif

$(NPM_STAMP): static/package.json static/package-lock.json
	npm --prefix static ci --no-audit --no-fund
	@mkdir -p $(@D) && touch $@

$(WEB_STAMP): $(WEB_SOURCES) $(NPM_STAMP)
	npm --prefix static run build
	@mkdir -p $(@D) && touch $@

# Somebody removed the result but not the stamp.
ifeq ($(wildcard static/dist/*),)
.PHONY: $(WEB_STAMP)
endif
