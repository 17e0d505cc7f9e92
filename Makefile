# Everything a fresh machine needs is python3 (3.11+), pip, git and make.
#   make demo            run the main job on a made-up flood of reports and open what came out
#   make test            the whole test suite but what takes long
#   make test-long       kill loops, growth, the corpus: what takes longer than a coffee
#   make lint            style, types, import contracts, documents held against the code
#   make mutants         change the rules of clustering and credit one place at a time: some test must notice
#   make train           train the pair model on ../shared/data/deconfliction
#   make lock            renew requirements.lock
#   make inspect         an environment of its own for the Inspect engine of model reviews, from its own lock
#   make inspect-lock    renew that lock

VENV   ?= .venv
PYTHON ?= python3
BIN    := $(VENV)/bin
ARGS   ?=
INSPECT_VENV ?= .venv-inspect
INSPECT_LOCK := src/clearinghouse/evaluation/benchmarks/engines/inspect/requirements.lock

.PHONY: demo test test-long lint mutants train lock inspect inspect-lock clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^#   //p' Makefile

# Hashes are checked; the index is the one pip is configured with.
$(VENV)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; name it with make PYTHON=...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: $(VENV)/.ready
	$(BIN)/clearinghouse demo $(ARGS)

test: $(VENV)/.ready
	PYTHONHASHSEED=0 $(BIN)/python -m pytest -m "not long" -n 2 --dist loadfile $(ARGS)

test-long: $(VENV)/.ready
	$(BIN)/python -m pytest -m long $(ARGS)

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest tests/architecture

mutants: $(VENV)/.ready
	PYTHONHASHSEED=0 $(BIN)/python -m mutmut run
	$(BIN)/python -m mutmut results

train: $(VENV)/.ready
	$(BIN)/python -m bench.deconfliction.train $(ARGS)

lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  --no-emit-index-url --group dev pyproject.toml -o requirements.lock

# Never in our own environment: it is large, changes every few days, and imports what it finds installed.
$(INSPECT_VENV)/.ready: $(INSPECT_LOCK)
	test -x $(INSPECT_VENV)/bin/python || $(PYTHON) -m venv $(INSPECT_VENV)
	$(INSPECT_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(INSPECT_LOCK)
	touch $@

inspect: $(INSPECT_VENV)/.ready

inspect-lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  --no-emit-index-url $(INSPECT_LOCK:.lock=.in) -o $(INSPECT_LOCK)

clean:
	rm -rf $(VENV) $(INSPECT_VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
