# `make demo` and `make test` each work as the first command in a fresh clone: python3 (3.11 or newer) and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Every shell has a variable LANG, which is none of ours: only one that is given to make itself names a language.
LANG_OF_INTEROP := $(if $(filter command line,$(origin LANG)),$(LANG))
PYTHONS := 3.11 3.12 3.13 3.14
WHAT ?= test
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev
BENCH := $(VENV)/.installed-bench
AZ := build/az/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test quick slow coverage pythons hooks interop check format package dist bench bench-local bench-peers fleet soak attack docs schema prose reference screenshots parity functions-host browser az lock clean

help: ## Say what can be made
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/  make \1	\2/'

demo: $(RUN) ## See it work: the function reads a secret by managed identity, here
	@$(BIN)/keyless demo

test: $(DEV) functions-host browser ## Run every test
	@$(BIN)/pytest -n auto --dist worksteal

quick: $(DEV) ## Run every test that takes under 0.2 s
	@$(BIN)/pytest -n auto --dist worksteal -m "not slow"

slow: $(DEV) ## Run every test, and write the list of those that quick leaves out
	@$(BIN)/pytest -n auto --dist worksteal -o junit_family=xunit1 --junitxml=build/tests.xml
	@$(BIN)/python -m tests.slow write build/tests.xml

coverage: $(DEV) functions-host browser ## Run every test, and say which share of the code they run; CI holds the list of slow tests against it
	@$(BIN)/pytest -n auto --dist worksteal --cov -o junit_family=xunit1 --junitxml=build/tests.xml
	@$(BIN)/python -m tests.slow check build/tests.xml

pythons: $(DEV) ## Run every test, or WHAT=quick, on each Python from 3.11 to 3.14 that can be had
	@for version in $(PYTHONS); do \
		python=$$($(BIN)/python -m tests.pythons $$version) || continue; \
		echo "Python $$version:"; \
		$(MAKE) --no-print-directory VENV=build/python$$version PYTHON=$$python $(WHAT) || exit 1; \
	done

hooks: $(DEV) ## Check each commit before it is made, by pre-commit
	@$(BIN)/pre-commit install

interop: $(DEV) ## Run the official clients of every language, or of LANG=java, and print what came of it
	@$(BIN)/python -m tests.clients.interop $(LANG_OF_INTEROP)

check: $(DEV) ## Lint, types, the arrows between the parts, and the prose of the documents
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.prose check

format: $(DEV) ## Put the code in its standard form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

package: $(DEV) ## Make build/function_app, which azd deploys, and run such a package where nothing else is
	@infra/hooks/package.sh
	@$(BIN)/pytest -q -s -p no:xdist tests/function/test_package.py

dist: $(DEV) ## Build the sdist and the wheel into dist/, and test both in empty environments
	@rm -rf dist
	@$(BIN)/python -m uv build --quiet --python $(BIN)/python --no-build-isolation
	@$(BIN)/python -m tests.dist

bench: $(BENCH) functions-host ## Measure, and write docs/performance.md and bench/results/
	@for name in function real_host channel reads import_time audit vault decisions console keys certificates plugin fleet soak; do $(BIN)/python -m bench.$$name || exit 1; done

bench-local: $(BENCH) ## Measure the local Azure beside another build: make bench-local OTHER=PYTHON
	@$(BIN)/python -m bench.local_speed --other $(OTHER)

bench-peers: $(BENCH) ## Measure the local vault beside its peers, those that can be installed
	@$(BIN)/python -m bench.peers

fleet: $(BENCH) ## Simulate up to 10,000 instances, and write docs/performance.md and docs/images/fleet.png
	@$(BIN)/python -m bench.fleet

soak: $(DEV) ## Read for three minutes while everything goes wrong, and account for it
	@$(BIN)/python -m bench.soak

attack: $(DEV) ## Attack the library and the local Azure for twenty minutes, with seeds and counts printed
	@$(BIN)/python -m tests.attack
	@KEYLESS_ATTACK_REQUESTS=5000 KEYLESS_ATTACK_KILLS=200 KEYLESS_ATTACK_DAMAGES=50 \
		$(BIN)/pytest -q -s -p no:xdist tests/attack/local

docs: $(DEV) ## Build the documents' site into build/site
	@$(BIN)/zensical build --strict --clean

schema: $(DEV) ## Write docs/keyless.schema.json, which editors check a keyless.toml with
	@$(BIN)/python -c 'from keyless.local.azure.config.json_schema import schema_text; print(schema_text(), end="")' > docs/keyless.schema.json

screenshots: $(DEV) browser ## Take the pictures of the console in docs/images, light and dark
	@$(BIN)/python -m tests.local.console.screenshots

prose: $(DEV) ## Measure the sentences of each document
	@$(BIN)/python -m tests.prose measure

reference: $(DEV) ## Write docs/reference from the code
	@$(BIN)/python -m tests.reference

parity: $(DEV) functions-host ## Show that Azure's own code, its own host and the dev host answer the same, as tables
	@$(BIN)/pytest -q -p no:xdist tests/function/test_runtime.py tests/function/test_runtime_ours.py tests/function/test_real_host.py

az: $(AZ) ## Install the Azure CLI into build/az (500 MB), for the tests that run it

# What Azure's own Functions host needs of Debian, where its archive lies beside this checkout.
functions-host:
	@if [ -f ../shared/tools/functions-host.tar.xz ] && command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] \
		&& ! dpkg -s python3-grpcio python3-protobuf python3-dateutil libicu72 >/dev/null 2>&1; then \
		echo "Installing what Azure's Functions host needs ..."; \
		(apt-get update -qq && apt-get install -y -qq python3-grpcio python3-protobuf python3-dateutil libicu72) >/dev/null 2>&1 \
			|| echo "That did not work: the tests that need it are skipped, and say so."; \
	fi

# The browser that tries the console.
browser:
	@if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && ! command -v chromium >/dev/null; then \
		echo "Installing the browser that tries the console ..."; \
		(apt-get update -qq && apt-get install -y -qq chromium fonts-dejavu-core) >/dev/null 2>&1 \
			|| echo "That did not work: the tests that need it are skipped, and say so."; \
	fi

lock: $(DEV) ## Choose the versions in requirements/ again
	$(BIN)/python requirements/lock.py

clean: ## Remove what make made
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Keyless needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@echo "Making $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "python3-venv is missing: installing it"; \
		apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV); }

$(RUN): $(VENV)/pyvenv.cfg requirements/run.txt pyproject.toml
	@echo "Installing what Keyless needs to run, hashes checked. The first time takes one to two minutes ..."
	@$(PIP) install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): $(RUN) requirements/dev.txt requirements/runtime.txt
	@echo "Installing what the tests need, hashes checked. The first time takes some minutes ..."
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@$(PIP) install --require-hashes --no-deps --ignore-requires-python -r requirements/runtime.txt
	@touch $@

$(BENCH): $(DEV) requirements/bench.txt
	@echo "Installing what the benchmarks compare with (hashes checked) ..."
	@$(PIP) install --require-hashes -r requirements/bench.txt
	@touch $@

$(AZ): requirements/az.txt
	@echo "Installing the Azure CLI (hashes checked) ..."
	@rm -rf build/az && mkdir -p build && $(PYTHON) -m venv build/az
	@build/az/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --require-hashes -r requirements/az.txt
	@touch $@
