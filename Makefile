# The two commands: `make demo` and `make test`. Both install into .venv from the lock files first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-any-order test-at coverage fuzz screenshots bench up install install-dev lock clean

demo: install
	@$(BIN)/meta-pipeline demo

# Three workers for two processors: many tests wait for a process or a server that they have started.
test: install-dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 3 --dist worksteal

# The order is shuffled; pytest prints the seed, and `RANDOMLY=--randomly-seed=N` repeats it.
test-any-order: install-dev
	$(BIN)/python -m pytest -n 3 --dist worksteal -o addopts="-q -rs --strict-markers" $(RANDOMLY)

# The same with the machine's clock so many days later (`DAYS=70`), as every program sees it. Needs a C compiler, and Linux.
DAYS ?= 400
test-at: install-dev
	cc -O2 -Wall -shared -fPIC -o .venv/shifted_clock.so harness/shifted_clock.c -ldl
	CLOCK_OFFSET_S=$$(($(DAYS) * 86400)) LD_PRELOAD=$(CURDIR)/.venv/shifted_clock.so \
	  $(BIN)/python -m pytest -n 3 --dist worksteal -o addopts="-q -rs --strict-markers" $(RANDOMLY)

# Branch coverage of the package, including subprocesses. A separate target, because it is slower than `make test`.
coverage: install-dev
	$(BIN)/python -m pytest -n 3 --dist worksteal --cov --cov-report=term --cov-report=xml:coverage.xml

# Hostile input: 10,000 random invitation ids, forms, signed requests, callbacks, webhooks, specs and videos. The suite sends fewer.
fuzz: install-dev
	GENERATED_REQUESTS=10000 $(BIN)/python -m pytest -n 2 meta_pipeline_tests/web/test_invitation_fuzz.py \
	  meta_pipeline_tests/web/test_leaving.py meta_pipeline_tests/web/test_fuzz.py meta_pipeline_tests/ads \
	  meta_pipeline_tests/posting/test_specs.py meta_pipeline_tests/webhooks/test_storm.py -k "made_up or true"

screenshots: install-dev
	$(BIN)/python docs/screenshots.py

bench: install-dev
	$(BIN)/python benchmarks/landing.py
	$(BIN)/python benchmarks/graph_responses.py
	$(BIN)/python benchmarks/sdk.py $(if $(wildcard /dev/shm),--folder /dev/shm)
	$(BIN)/python benchmarks/storm.py
	$(BIN)/python benchmarks/restatement.py
	$(BIN)/python benchmarks/calls.py
	$(BIN)/python benchmarks/with_dagster.py
	$(BIN)/python benchmarks/from_the_ui.py
	$(BIN)/python benchmarks/partitions.py
	$(BIN)/python benchmarks/truth.py
	$(BIN)/python benchmarks/warehouse.py
	$(BIN)/python benchmarks/kills.py
	$(BIN)/python benchmarks/faults.py
	$(BIN)/python benchmarks/incremental.py
	$(BIN)/python benchmarks/publications.py
	$(BIN)/python benchmarks/webhooks.py

up: install
	$(BIN)/meta-pipeline up

install: .venv/installed
install-dev: .venv/installed-dev

.venv/bin/uv: requirements-uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.12 …")'
	@echo "▸ install 1 of 3: a virtual environment in .venv, and uv"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@touch $@

# Compiled now: where Python may not write bytecode (PYTHONDONTWRITEBYTECODE), every process would compile for 4 s.
.venv/installed: .venv/bin/uv requirements.lock pyproject.toml
	@echo "▸ install 2 of 3: the $$(grep -c '^[a-z].*==' requirements.lock) packages of requirements.lock; a minute or two the first time"
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@echo "▸ install 3 of 3: meta-pipeline itself"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@$(BIN)/python -m compileall -q meta_pipeline
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.lock
	@echo "▸ install: the development packages of requirements-dev.lock"
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@

lock: .venv/bin/uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-strip-extras --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-strip-extras --generate-hashes --no-emit-index-url --no-header --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean:
	rm -rf .venv .meta_pipeline dbt_project/target dbt_project/logs
