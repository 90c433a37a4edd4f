.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements.lock
LOCKED := $(VENV)/.locked
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check

COMPILE := .lock-venv/bin/uv pip compile --quiet --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-annotate --no-header

# What is compiled is kept, whatever the machine says: tests start hundreds of desks, and each would
# compile all of it anew, which is a third of its start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

# pip resolves nothing here: with its resolver, some versions of pip look beyond the lock and fail as
# soon as something newer is out. What an interrupted pip leaves cannot be told from what is whole,
# so that without its mark, or with another lock, the environment is made anew.
$(LOCKED): $(LOCK)
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Deskward needs Python 3.11 or newer; name it: make PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@echo "Installing the locked dependencies, about a minute…"
	$(PIP) install --quiet --no-deps --require-hashes -r $(LOCK)
	@touch $@

$(READY): $(LOCKED) pyproject.toml
	@mv $(LOCKED) $(LOCKED).used
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	$(PIP) check
	$(BIN)/python tools/check_lock.py $(LOCK)
	@mv $(LOCKED).used $(LOCKED)
	@touch $@

.PHONY: setup
setup: $(READY) ## Create the environment

.PHONY: run
run: $(READY) ## Set everything up and serve the desk with demo data on 127.0.0.1:9080
	@$(BIN)/deskward serve --demo

.PHONY: chat
chat: $(READY) ## Talk to the demo desk in the terminal
	@$(BIN)/deskward chat --demo

.PHONY: test
test: $(READY) ## Set everything up and pass the quick tests
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow"

.PHONY: test-all
test-all: $(READY) ## Pass all the tests, also those with whole servers and peers, as CI does
	$(BIN)/python -m pytest -n 4 --dist loadgroup --durations=40  # many of them wait

.PHONY: test-full
test-full: $(READY) ## Pass all the tests, with races and tests by chance at their full length; an hour
	FULL=1 $(BIN)/python -m pytest -n 2 --dist loadgroup --timeout 1800

.PHONY: mutants
mutants: $(READY) ## Take out each defence, one at a time, and see a test turn red; some minutes
	$(BIN)/python tools/mutants.py

.PHONY: coverage
coverage: $(READY) ## Pass all the tests and show which branches they miss; takes twice as long
	$(BIN)/python -m pytest -n 2 --dist loadgroup --timeout 360 --cov --cov-report=term

.PHONY: lint
lint: $(READY) ## Check format, style, types and the order of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: $(READY) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: bench
bench: $(READY) ## Measure it all side by side with others, and write a report
	$(BIN)/python -m benchmarks

.PHONY: lock
lock: $(READY) ## Write requirements*.lock anew from pyproject.toml
	$(PYTHON) -m venv .lock-venv && .lock-venv/bin/pip install --quiet uv
	$(COMPILE) --extra all --extra dev --upgrade pyproject.toml -o requirements.lock
	$(COMPILE) --constraint requirements.lock --extra all pyproject.toml -o requirements-runtime.lock
	$(COMPILE) --constraint requirements.lock --group pyproject.toml:image -o requirements-build.lock
	for each in benchmarks/environments/*.in; do $(COMPILE) $$each -o $${each%.in}.lock || exit 1; done
	rm -rf .lock-venv

.PHONY: clean
clean: ## Remove the environment and everything generated; the data stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage dist
