# `make demo` and `make test` need Python >= 3.11 and make, nothing else: .venv is made on the way.

SUPPORTED := import sys; sys.exit(sys.version_info < (3, 11))
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11
FIRST_SUPPORTED = $(shell for name in $(CANDIDATES); do \
  $$name -c '$(SUPPORTED)' 2>/dev/null && echo $$name && break; done)
PYTHON ?= $(or $(FIRST_SUPPORTED),python3)

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
LOWEST := build/lowest
PIN_LOWEST := import tomllib; project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
  print(*(line.replace(">=", "==") for line in project["dependencies"]), sep="\n")
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv new-venv demo test test-slow test-lowest lint docs bench wheel clean

help:
	@echo 'make demo         train on the embedded digits, print the IR, export to ONNX, compare the backends'
	@echo 'make test         the test suite'
	@echo 'make test-slow    the long-running suites'
	@echo 'make test-lowest  the test suite on the oldest dependencies allowed'
	@echo 'make lint         ruff and mypy'
	@echo 'make docs         write docs/api from the docstrings of graphc.keras'
	@echo 'make bench        the benchmarks, beside the peers that are installed'
	@echo 'make wheel        build dist/*.whl'
	@echo 'make clean        remove .venv, built files and caches'
	@echo 'PYTHON=...        the interpreter that .venv is made from (>= 3.11)'

venv: $(INSTALLED)

# A .venv whose pip does not start was left half-made (or its Python is gone): make it anew.
$(INSTALLED): pyproject.toml
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(MAKE) --no-print-directory new-venv
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

new-venv:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "error: no '$(PYTHON)' found. Install Python >= 3.11, or name one: make PYTHON=/path/to/python3.12" >&2; \
	  exit 1; }
	@$(PYTHON) -c '$(SUPPORTED)' || { \
	  echo "error: '$(PYTHON)' is $$($(PYTHON) --version 2>&1), graphc needs Python >= 3.11." >&2; \
	  echo "Install a newer one, or name one: make PYTHON=/path/to/python3.12" >&2; \
	  exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "error: '$(PYTHON)' cannot make virtual environments: its ensurepip module is missing." >&2; \
	  echo "On Debian and Ubuntu: apt install python3-venv" >&2; \
	  exit 1; }
	$(PYTHON) -m venv --clear $(VENV)

demo: venv
	$(BIN)/graphc demo

test: venv
	$(BIN)/python -m pytest

test-slow: venv
	$(BIN)/python -m pytest -m slow

# The oldest dependencies that pyproject.toml allows, in an environment of their own.
test-lowest:
	@$(MAKE) --no-print-directory new-venv VENV=$(LOWEST)
	$(LOWEST)/bin/python -c '$(PIN_LOWEST)' > $(LOWEST)/constraints.txt
	$(LOWEST)/bin/python -m pip install --quiet --editable '.[dev]' --constraint $(LOWEST)/constraints.txt
	$(LOWEST)/bin/python -m pytest

lint: venv
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: venv
	$(BIN)/python docs/generate_api.py

bench: venv
	$(BIN)/python -m benchmarks

wheel: venv
	rm -rf dist
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
