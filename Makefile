# Everything starts here: `make` alone says what there is. Needs GNU make and Python 3.11 or newer, nothing else.

PYTHON ?= python3
PORT ?= 8000
CONNECT ?= off
STAGE ?= staging
UPGRADE ?=
MODULE ?=
HISTORIES ?= 1000
SEED ?= 1

BIN := .venv/bin
SOURCES = $(wildcard app.py chalicelib ops sandbox infra tests bench docs/examples)
INSTALL := $(BIN)/python -m pip --disable-pip-version-check --quiet install --requirement
PYTEST := $(BIN)/python -m pytest
# A file's tests stay in one worker, so that what they share (a server, a browser) is started once.
PARALLEL := --numprocesses=auto --dist=loadfile
ENGINES := dynamodb-local stripe-mock
LOCK := ../.local/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	--no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SILENT:
.PHONY: help run test test-all simulate stripe-check museum guards engines coverage check format package lock clean

help: ## this list
	awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: .venv/run.stamp ## everything on this machine, until Ctrl-C (make run PORT=8001: on another port; CONNECT=on: a platform)
	exec $(BIN)/python -m sandbox --port $(PORT) --connect $(CONNECT)

test: .venv/dev.stamp ## the short tests, and a sample of each long suite
	$(PYTEST) --quiet $(PARALLEL)

test-all: .venv/dev.stamp ## the long suites whole, the real engines, the browser
	ANTEROOM_LONG=1 $(PYTEST) $(PARALLEL) -m "long or engine or browser"

simulate: .venv/dev.stamp ## random histories of two clinics, on all cores (make simulate HISTORIES=20000 SEED=1)
	$(BIN)/python -m tests.simulation --histories $(HISTORIES) --seed $(SEED)

stripe-check: .venv/dev.stamp ## hold the stand-in's contract against Stripe's test mode (STRIPE_SECRET_KEY=sk_test_…)
	$(BIN)/python -m tests.standin

museum: .venv/dev.stamp ## bring back the bugs that others reported, one by one, and see their tests turn red
	$(BIN)/python -m tests.museum

guards: .venv/dev.stamp ## break every guard of the domain in turn, and see a test turn red (make guards MODULE=payments)
	PYTHONHASHSEED=0 $(BIN)/python -m tests.guards $(MODULE)

engines: $(ENGINES:%=.local/engines/%.stamp) ## the real engines that tests run on: Amazon's DynamoDB Local, Stripe's stripe-mock

coverage: .venv/dev.stamp ## which branches `make test` does not take
	$(PYTEST) --quiet $(PARALLEL) --cov --cov-report=term

check: .venv/dev.stamp ## format, lint, types, import rules, the API against its document, what would be deployed
	$(BIN)/ruff format --quiet --diff $(SOURCES)
	$(BIN)/ruff check --quiet $(SOURCES)
	$(BIN)/mypy --no-error-summary $(SOURCES)
	rules=$$($(BIN)/lint-imports --no-logo --cache-dir .local/import_linter) || { echo "$$rules"; exit 1; }
	$(BIN)/python -m infra >/dev/null
	$(BIN)/cfn-lint --regions us-east-1 eu-central-1 ap-southeast-2 -- build/*/sam.json
	$(PYTEST) --quiet tests/http/test_openapi.py tests/http/test_properties.py
	$(PYTEST) --quiet -m packaging tests/packaging

format: .venv/dev.stamp ## put the code into shape
	$(BIN)/ruff check --quiet --fix-only $(SOURCES)
	$(BIN)/ruff format --quiet $(SOURCES)

package: .venv/dev.stamp ## what CloudFormation deploys: build/STAGE/sam.json (make package STAGE=production)
	$(BIN)/python -m infra $(STAGE)

lock: .local/lock/bin/uv ## requirements*.txt from requirements/*.in (make lock UPGRADE=--upgrade: the newest)
	cd requirements && $(LOCK) $(UPGRADE) runtime.in --output-file ../requirements.txt
	cd requirements && $(LOCK) $(UPGRADE) sandbox.in --constraint ../requirements.txt --output-file ../requirements-sandbox.txt
	cd requirements && $(LOCK) $(UPGRADE) dev.in --constraint ../requirements-sandbox.txt --output-file ../requirements-dev.txt

clean: ## forget everything that make made
	rm -rf .venv .local build .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache

# One environment. The development requirements contain the sandbox's, which contain the runtime's, pin for pin.
.venv/run.stamp: requirements-sandbox.txt | .venv/bin/python
	echo "Installing what a run needs into .venv (only the first time, and when the requirements change) ..."
	$(INSTALL) $<
	touch $@

.venv/dev.stamp: requirements-dev.txt | .venv/bin/python
	echo "Installing the tools into .venv (only the first time, and when the requirements change) ..."
	$(INSTALL) $<
	touch $@ .venv/run.stamp

.venv/bin/python:
	$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("Anteroom needs Python 3.11 or newer, and $(PYTHON) is %d.%d. Another one: make run PYTHON=python3.11" % v[:2])'
	$(PYTHON) -m venv .venv

.local/engines/dynamodb-local.stamp: tests/engines/pom.xml tests/engines/LoopbackDynamoDB.java
.local/engines/%.stamp: tests/engines/fetch
	echo "Fetching $* (only the first time, and when its version changes) ..."
	tests/engines/fetch $*
	touch $@

.local/lock/bin/uv:
	$(PYTHON) -m venv .local/lock
	.local/lock/bin/python -m pip --disable-pip-version-check --quiet install uv==0.13.9
