# eP-CSCF for Kamailio: run, test, measure. `make` alone prints help.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# A fresh Debian's own interpreter: the one that Kamailio's Python module embeds.
PYTHON ?= /usr/bin/python3
VENV   := .venv
PY     := $(VENV)/bin/python
PROTOS := $(shell find protos -name '*.proto')

.PHONY: help
help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- what people do

# where `make run` keeps logs, keys and sockets, and the port of its WSS door
RUN  ?= run
PORT ?= 8443

.PHONY: run
run: setup ## Bring up core, sidecar and Kamailio, register one client over WSS, stay up
	@$(PY) -m lab.demo --run-dir $(RUN) --port $(PORT)

.PHONY: test
test: setup ## Run all tests, real parts included, and hold docs/conformance.md against them
	@rm -rf build/conformance
	@$(MAKE) --no-print-directory check
	@$(PY) -m pytest -q -n auto --dist worksteal --conformance-run=build/conformance $(PART_TESTS)
	@$(PY) -m pytest $(if $(filter-out 1,$(LABS)),-n $(LABS) --dist loadfile) -m 'not storm' --conformance-run=build/conformance $(REAL_TESTS)
	@$(PY) -m tools.conformance --check

.PHONY: storm
storm: setup ## Run the tests with thousands of clients, and those that kill parts under load
	@$(PY) -m pytest -m storm -s tests/scenarios

.PHONY: check
check: $(VENV)/.ready build/.protos ## Format, lint, types, layers and unit tests, in a minute
	@$(VENV)/bin/ruff format --check -q . || { echo 'not formatted: run make format'; exit 1; }
	@$(VENV)/bin/ruff check -q .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --no-logo 2>&1 | tail -3
	@$(PY) -m pytest -q -n auto --dist worksteal --conformance-run=build/conformance $(UNIT_TESTS)

# How many labs side by side. Two take little more than half the time, and find more races.
LABS ?= $(if $(filter 1,$(shell nproc)),1,2)
REAL_TESTS := tests/process/ tests/lab/ tests/scenarios/ tests/browser/ tests/web/
# the sidecar's own parts, with databases and over gRPC and HTTP
PART_TESTS := tests/adapters/ tests/ctl/ tests/demo/
UNIT_TESTS := $(filter-out $(REAL_TESTS) $(PART_TESTS),$(wildcard tests/*/))

.PHONY: format
format: $(VENV)/.ready ## Format the sources and sort the imports
	@$(VENV)/bin/ruff check -q --select I --fix .
	@$(VENV)/bin/ruff format -q .

.PHONY: bench
bench: setup ## Measure REGISTERs per second; prints ratios from one run
	@mkdir -p build && $(PY) -m bench --json build/bench.json

.PHONY: conformance
conformance: $(VENV)/.ready ## Write docs/conformance.md and docs/judging.md from the last test run
	@$(PY) -m tools.conformance
	@$(PY) -m tools.conformance.rules

# --- set-up: each step leaves a mark and is done again when what it rests on has changed

.PHONY: setup
setup: build/.debian $(VENV)/.ready build/.protos build/.web ## Install what is missing (Debian, Python and npm packages, stubs)

build/.debian: deploy/debian-packages.txt
	@mkdir -p build
	@tools/install-debian-packages deploy/debian-packages.txt
	@touch $@

$(VENV)/.ready: requirements.lock pyproject.toml | build/.python
	@echo 'python packages: into $(VENV), with pinned hashes'
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock 2>&1 \
		| { grep -v ^WARNING || true; }
	@mkdir -p build/stubs
	@$(PY) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . 2>&1 \
		| { grep -v ^WARNING || true; }
	@touch $@

# python3-venv may be missing where the rest is not needed yet (make check)
build/.python: deploy/debian-packages.txt
	@mkdir -p build
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || tools/install-debian-packages deploy/debian-packages.txt
	@touch $@

.PHONY: protos
protos: build/.protos ## Generate the gRPC stubs

build/.protos: $(PROTOS) requirements.lock | $(VENV)/.ready
	@mkdir -p build/stubs
	@$(PY) -m grpc_tools.protoc -Iprotos --python_out=build/stubs --grpc_python_out=build/stubs \
		--plugin=protoc-gen-mypy=$(VENV)/bin/protoc-gen-mypy --mypy_out=quiet:build/stubs \
		--plugin=protoc-gen-mypy_grpc=$(VENV)/bin/protoc-gen-mypy_grpc --mypy_grpc_out=quiet:build/stubs \
		$(PROTOS)
	@touch build/stubs/epcscf/__init__.py $@

# what pages load: the SIP libraries, each as one file
build/.web: package.json package-lock.json Makefile | build/.debian
	@echo 'npm packages: into node_modules, with pinned hashes'
	@npm ci --silent --ignore-scripts
	@node_modules/.bin/esbuild node_modules/jssip/lib/JsSIP.js $(BUNDLE) --outfile=demo/wic/lib/jssip.js
	@node_modules/.bin/esbuild node_modules/sip.js/lib/index.js $(BUNDLE) --outfile=build/web/sip.js
	@touch $@

BUNDLE := --bundle --minify --format=esm --define:global=globalThis --log-level=warning

.PHONY: lock
lock: $(VENV)/.ready ## Resolve pyproject.toml anew into requirements.lock
	@$(PY) -m pip install -q uv
	@$(VENV)/bin/uv -q pip compile --generate-hashes --no-strip-extras --no-emit-index-url --no-annotate --no-header \
		--extra dev --extra postgres --extra waf pyproject.toml -o requirements.lock

.PHONY: clean
clean: ## Remove what was built
	@rm -rf build $(VENV) node_modules demo/wic/lib .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
