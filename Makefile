# Two commands set everything up by themselves: `make demo` and `make test`.
# The environment lives in .venv and is built again only when its inputs change.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
PYTEST_ARGS ?= -q -n auto --dist loadfile
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
RUST_SOURCES := $(shell find crates -name '*.rs' -o -name Cargo.toml) Cargo.toml Cargo.lock pyproject.toml
export CARGO_TERM_COLOR ?= auto
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup demo test check lint types bench bench-matching bench-router clean lock artifacts

help: ## Show what each target does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(STAMPS)/venv: requirements/dev.lock scripts/check_toolchain.py
	@$(PYTHON) scripts/check_toolchain.py
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the pinned Python packages ..."
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.lock
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/core: $(STAMPS)/venv $(RUST_SOURCES)
	@echo "building the Rust core ..."
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pip install --quiet --no-deps \
	  --no-build-isolation --editable .
	@touch $@

setup: $(STAMPS)/core ## Build the environment (.venv) and the Rust core

demo: setup ## Run the main job end to end on a real local chain; leaves a report under var/demo
	@$(BIN)/router demo

test: setup ## Run every test: Rust, Python, contracts on a real chain
	@cargo test --quiet --release --workspace --exclude router-py
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

check: setup ## Lint, types, layer rules, tidiness, stubs, contract artifacts
	@$(BIN)/python scripts/check.py

bench: setup ## Measure; results also under var/bench
	@$(BIN)/python benches/run.py

bench-matching: setup ## Measure the matching engine beside others; results also in var/bench/matching.json
	@cargo build --quiet --release -p router-bench
	@$(BIN)/python benches/matching.py

bench-router: setup ## Measure the router beside those of npm; results also in var/bench/router.json
	@$(BIN)/python benches/router_bench.py --write

lock: ## Resolve requirements/dev.lock anew from pyproject.toml (needs uv)
	@uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --extra uniswap --extra postgresql --group dev pyproject.toml \
	  -o requirements/dev.lock

clean: ## Remove everything that was built here
	@rm -rf $(VENV) target var dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find router connectors tests benches scripts -name __pycache__ -type d -prune -exec rm -rf {} +
	@rm -f router/_core*.so
