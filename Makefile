# Everything starts here: each target first makes .venv, which needs a Python and nothing else.
#   make test PYTHON=/path/to/python3.12    uses that Python for a new .venv
#   make test READY=                        takes .venv as it is
#   make test ARGS='-k router'              hands arguments to pytest

PYTHON ?=
VENV ?= .venv
ARGS ?=
FUZZ_S ?= 600
READY := $(VENV)/.ready
BIN := $(VENV)/bin
PACKAGES := protocol node simulations
FITTING := 3.11 3.12 3.13

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help install demo test lint lint-format lint-ruff lint-types lint-imports lint-tidy lint-bite \
	interop bench fuzz properties vectors format constraints clean

help: ## print this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1 — \2/p' $(firstword $(MAKEFILE_LIST))

# --- the environment ---------------------------------------------------------------------------

# A candidate counts when it answers: pyenv leaves commands behind that only say what they lack.
version_of = $(shell "$(1)" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
candidates = $(or $(PYTHON),python3 python3.13 python3.12 python3.11)
fits = $(filter $(FITTING),$(call version_of,$(1)))
found = $(firstword $(foreach python,$(candidates),$(if $(call fits,$(python)),$(python))))
has_venv = $(shell "$(1)" -c 'import ensurepip, venv' 2>&1)

define choose_python
$(eval CHOSEN := $(found))
$(if $(CHOSEN),,$(error Python 3.11, 3.12 or 3.13 is needed; $(firstword $(candidates)) \
is $(or $(call version_of,$(firstword $(candidates))),missing): install one, \
or name it with make PYTHON=/path/to/python3.12))
$(if $(call has_venv,$(CHOSEN)),$(error $(CHOSEN) cannot make virtual environments: \
apt-get install python$(call version_of,$(CHOSEN))-venv))
endef

install: $(READY) ## make .venv with everything in it, once

$(BIN)/uv:
	$(choose_python)@echo "Making $(VENV) with $(CHOSEN) (once; about a minute)"
	@"$(CHOSEN)" -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv

$(VENV)/.ready: pyproject.toml constraints.txt | $(BIN)/uv
	@echo "Installing into $(VENV)"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode -c constraints.txt -e '.[sim]' --group dev
	@touch $@

# --- what a person runs ------------------------------------------------------------------------

demo: $(READY) ## three nodes on this machine: pair, ring, explain
	@$(BIN)/tocsin demo

test: $(READY) ## the tests that need Python only, and the coverage gates
	@$(BIN)/python -m coverage run -m pytest tests --ignore=tests/interop --ignore=tests/bench --ignore=tests/fuzz \
		--ignore=tests/repository/test_rules_bite.py $(ARGS)
	@$(BIN)/python -m coverage report --include='protocol/*' --fail-under=100
	@$(BIN)/python -m coverage report --include='node/*' --fail-under=90

interop: $(READY) ## the tests that need more: other Pythons, Node.js (tests/interop/debian-packages.txt)
	@$(BIN)/python -m pytest tests/interop $(ARGS)

bench: $(READY) ## measure, and print one table
	@$(BIN)/python tests/bench/run.py $(ARGS)

fuzz: $(READY) ## every parser under a coverage-guided fuzzer, FUZZ_S=600 seconds in all
	@$(BIN)/python tests/fuzz/run.py --seconds $(FUZZ_S) $(ARGS)

properties: $(READY) ## the property tests with FUZZ_EXAMPLES=20000 new examples each
	@HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest tests/protocol -m hypothesis $(ARGS)

vectors: $(READY) ## write specs/vectors again; nothing changes unless specs/reference did
	@$(BIN)/python specs/reference/generate.py

# --- what holds the source to its rules --------------------------------------------------------

lint: lint-format lint-ruff lint-types lint-imports lint-tidy lint-bite ## format, lint, types, arrows, tidiness

lint-format: $(READY)
	@$(BIN)/ruff format --check .

lint-ruff: $(READY)
	@$(BIN)/ruff check --output-format concise .

lint-types: $(READY)
	@$(BIN)/mypy --strict $(PACKAGES) tests $(if $(wildcard specs/*/*.py),specs)

lint-imports: $(READY)
	@PYTHONPATH=protocol:node:simulations $(BIN)/lint-imports --no-logo

lint-tidy: $(READY)
	@$(BIN)/python -m pytest -q tests/repository/test_tidy.py tests/repository/test_protocol_imports.py \
		tests/repository/test_reference_imports.py

lint-bite: $(READY)
	@$(BIN)/python -m pytest -q tests/repository/test_rules_bite.py

format: $(READY) ## rewrite the source the way lint wants it
	@$(BIN)/ruff check --fix-only --select I .
	@$(BIN)/ruff format .

constraints: $(READY) ## choose the newest releases that fit and write constraints.txt
	@$(BIN)/uv pip compile --quiet --upgrade --universal --no-annotate --no-header \
		--extra sim --group dev pyproject.toml -o constraints.txt

clean: ## remove what the other targets wrote, but not .venv
	@rm -rf build dist results .coverage .coverage.* .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	@find $(PACKAGES) tests specs -name __pycache__ -prune -exec rm -rf {} +
