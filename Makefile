# Two commands on a fresh machine: `make demo` shows the product, `make test` checks it. Both install all they need.

PYTHON ?= python3
VENV   := .venv
STRANGERS := .venv-strangers
GENERATOR := .venv-generator
MLSERVER := .venv-mlserver
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# A process a core; a file's tests stay together, because they share what is dear to start.
BESIDE := -n auto --dist loadfile
PACKAGES := proto/nearfar_wire router edge_agent cloud_service
CHECKED := $(PACKAGES) tests benchmarks examples deploy

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow check lint format tools bench bench-server proto clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1	\2/' | expand -t 18

demo: $(VENV)/.demo ## install, then run a day in a device's life on real input (DEMO_ARGS="--json FILE")
	$(BIN)/nearfar-agent demo $(DEMO_ARGS)

test: $(VENV)/.dev $(STRANGERS)/.installed tools lint ## lint, types, import contracts and all tests but the slow ones
	$(BIN)/python -m pytest -m "not slow" $(BESIDE)

test-slow: $(VENV)/.dev $(STRANGERS)/.installed tools ## fuzzing, soaks and whatever else takes minutes
	$(BIN)/python -m pytest -m slow --timeout 900

check: $(VENV)/.dev lint ## what to run before a commit: under a minute on two cores
	$(BIN)/python -m pytest -m "not slow and not wide and not data" --hypothesis-profile quick $(BESIDE)

lint: $(VENV)/.dev ## format, lint, types, import contracts
	$(BIN)/ruff format --check --quiet $(CHECKED)
	$(BIN)/ruff check --quiet $(CHECKED)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(VENV)/.dev ## put the code into its form
	$(BIN)/ruff check --quiet --fix $(CHECKED)
	$(BIN)/ruff format --quiet $(CHECKED)

tools: ## Debian packages that some tests want, where they can be had
	@tests/tools/install-debian.sh

bench: $(VENV)/.dev ## ratios, measured in one run
	$(BIN)/python -m benchmarks

bench-server: $(VENV)/.dev $(MLSERVER)/.installed ## the service beside MLServer, in turns (BENCH_ARGS="--quick" for a look)
	$(BIN)/python -m benchmarks.server $(BENCH_ARGS)

# The generator lives in an environment of its own: newer stubs than these would demand newer libraries of every app.
proto: $(GENERATOR)/.installed ## write the stubs again from their .proto
	$(GENERATOR)/bin/python -m grpc_tools.protoc -Iproto --python_out=proto --pyi_out=proto proto/nearfar_wire/inference.proto proto/nearfar_wire/orca.proto

clean: ## forget everything that was installed or built
	rm -rf $(VENV) $(STRANGERS) $(GENERATOR) $(MLSERVER) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/.base: constraints.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "nearfar needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (about a minute the first time)"
	$(PIP) install -c constraints.txt pip hatchling editables
	@touch $@

$(VENV)/.demo: $(VENV)/.base
	$(PIP) install -c constraints.txt --no-build-isolation -e '.[cloud,demo]'
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	$(PIP) install -c constraints.txt --no-build-isolation -e '.[cloud,demo,image,litert,otel,publish,text,dev]'
	@touch $@ $(VENV)/.demo

# Other people's clients pin other versions of the libraries; they run as processes of their own.
$(STRANGERS)/.installed: tests/strangers/constraints.txt
	$(PYTHON) -m venv $(STRANGERS)
	$(STRANGERS)/bin/python -m pip --disable-pip-version-check --quiet install -c tests/strangers/constraints.txt 'tritonclient[grpc,http]'
	@touch $@

# Pinned by what MLServer wants, which is older than what we run with.
$(MLSERVER)/.installed: benchmarks/server/mlserver/constraints.txt
	$(PYTHON) -m venv $(MLSERVER)
	$(MLSERVER)/bin/python -m pip --disable-pip-version-check --quiet install -c $< mlserver onnxruntime
	@touch $@

$(GENERATOR)/.installed:
	$(PYTHON) -m venv $(GENERATOR)
	$(GENERATOR)/bin/python -m pip --disable-pip-version-check --quiet install grpcio-tools==1.76.0 setuptools
	@touch $@
