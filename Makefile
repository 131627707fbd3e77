# The commands people type. Each works from a fresh clone that has only Python 3.11 or newer, git and make:
# the environment is built below .venv/ when it is missing or older than what it is made from.

PYTHON ?=
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
CODE   := $(wildcard callback workers migrations bench tests)
TYPED  := $(wildcard callback workers migrations bench tests/support tests/conftest.py)
TESTS  ?= tests
TRIALS ?= 20
CALLERS ?= 2000
# One more than the two processors of a small machine: some tests wait for processes, and the others work meanwhile.
TESTERS ?= 3

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test chaos soak screenshots pictures check bench lock format clean

help:
	@echo "make run     start everything; without carrier credentials also simulated callers and agents"
	@echo "make test    install what the tests need and run all of them (TESTS=path narrows it, TESTERS=3 at a time)"
	@echo "make chaos   make every fault happen TRIALS (20) times and print what came of it (FAULT=7 for one, SEED=n again)"
	@echo "make soak    CALLERS (2000) simulated callers while everything dies and comes back (SEED=n again)"
	@echo "make screenshots  every page at four widths, light and dark, in both languages, into var/screenshots"
	@echo "make pictures  the pictures of the pages in README and docs/, made anew"
	@echo "make check   lint, types, import contracts, migrations in step with the tables"
	@echo "make bench   the benchmarks, each as a ratio against its reference in the same run, and the pictures of docs/"
	@echo "make format  lay the code out as make check wants it"
	@echo "make lock    renew requirements.lock from pyproject.toml (UPGRADE=1 takes newer versions)"
	@echo "make clean   remove the environment and caches; var/ (your data) stays"

$(STAMP): requirements.lock pyproject.toml .ci/environment
	@PYTHON="$(PYTHON)" bash .ci/environment $(VENV)
	@touch $@

run: $(STAMP)
	@exec $(BIN)/callback run

test: $(STAMP)
	@bash .ci/test-parts
	@bash .ci/tests $(TESTERS) $(TESTS)

chaos: $(STAMP)
	@bash .ci/test-parts faketime
	CHAOS_TRIALS=$(TRIALS) $(if $(FAULT),CHAOS_FAULT=$(FAULT)) $(if $(SEED),CHAOS_SEED=$(SEED)) \
		$(if $(TABLE),CHAOS_TABLE=$(TABLE)) $(BIN)/pytest -n 2 --dist load tests/chaos

soak: $(STAMP)
	$(BIN)/python -m tests.chaos.soak --callers $(CALLERS) $(if $(SEED),--seed $(SEED))

screenshots: $(STAMP)
	@bash .ci/test-parts chromium fonts
	$(BIN)/python -m tests.support.screenshots var/screenshots $(foreach page,$(ONLY),--only $(page))

pictures: $(STAMP)
	@bash .ci/test-parts chromium fonts
	$(BIN)/python -m tests.support.pictures

check: $(STAMP)
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy $(TYPED)
	$(BIN)/lint-imports
	@heads="$$($(BIN)/alembic heads)" && [ "$$(printf '%s\n' "$$heads" | grep -c .)" = 1 ] \
		|| { echo "migrations must have exactly one head, but have:"; printf '%s\n' "$$heads"; exit 1; }
	$(BIN)/python -m callback.adapters.store.check

bench: $(STAMP)
	@bash .ci/test-parts wrk
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m bench.plots docs/images
	$(BIN)/python -m bench

format: $(STAMP)
	$(BIN)/ruff check --fix-only $(CODE)
	$(BIN)/ruff format $(CODE)

# One lock for every platform and Python we support; hashes bind the files, addresses stay out of it.
lock: $(STAMP)
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--extra dev $(if $(UPGRADE),--upgrade) --quiet --output-file requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -path ./var -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
