# eP-CSCF for Kamailio: run, test, measure.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= /usr/bin/python3
VENV   := .venv
PY     := $(VENV)/bin/python
PROTOS := $(shell find protos -name '*.proto')

.PHONY: help
help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: protos
protos: build/.protos ## Generate the gRPC stubs

build/.protos: $(PROTOS) requirements.lock | $(PY)
	@mkdir -p build/stubs
	@$(PY) -m grpc_tools.protoc -Iprotos --python_out=build/stubs --grpc_python_out=build/stubs \
		--plugin=protoc-gen-mypy=$(VENV)/bin/protoc-gen-mypy --mypy_out=quiet:build/stubs \
		--plugin=protoc-gen-mypy_grpc=$(VENV)/bin/protoc-gen-mypy_grpc --mypy_grpc_out=quiet:build/stubs \
		$(PROTOS)
	@touch build/stubs/epcscf/__init__.py $@
