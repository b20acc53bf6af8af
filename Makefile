# SPDX-License-Identifier: Apache-2.0
# Everything a developer or CI does, by name. Every target sets up what it needs first; a second run is quick.
#
#   PYTHON=python3.13   which Python makes .venv (3.11 or later)
#   JOBS=2              test processes (default: two where there are two cores, else one)
#   PYTEST_ARGS="-k x"  more for pytest
#   MUTANTS_PATHS="imagebuild/layer imagebuild/windows/sid.py"  which files `make mutants` breaks (default: all three rooms)
#   MUTANTS_BUDGET=600  seconds after which it stops (default: 0, none); the next call goes on
#   MUTANTS_JOBS=1      mutants at once
#   FUZZ_COUNT=1000000  broken hives that `make fuzz` tries in all; the next call goes on
#   FUZZ_SECONDS=600    seconds after which it stops (default: 0, none)
#   FUZZ_JOBS=1         processes of it
#   CHAOS_COUNT=200     times that `make chaos` kills the engine
#   SUITES="docker-py"  which suites of other people `make suites` runs (default: aiodocker docker-py testcontainers-python)
#   WCOW_SUITES=DIR     the folder with checkouts of those that are in no package
#   CORPUS_ARGS="--index FILE --dockerfiles DIR"  what `make corpus` builds: neither comes with the tree
#   PROGRAMS_ARGS="--only Node"  which rows `make programs` starts (then no page is written)
#   SUITES_ARGS="--as root --as user"  more for scripts/suites

PYTHON ?= python3
BIN := .venv/bin
JOBS ?= $(shell n=$$(nproc 2>/dev/null || echo 1); [ $$n -gt 2 ] && n=2; [ $$n -gt 1 ] && echo $$n || echo 0)
MUTANTS_PATHS ?=
MUTANTS_BUDGET ?= 0
MUTANTS_JOBS ?= 1
FUZZ_COUNT ?= 1000000
FUZZ_SECONDS ?= 0
FUZZ_JOBS ?= 1
CHAOS_COUNT ?= 200
SUITES ?=
SUITES_ARGS ?=
PROGRAMS_ARGS ?=
CORPUS_ARGS ?=
PYTEST := $(BIN)/python -m pytest -q -rs -n $(JOBS) --dist loadfile
SETUP := PYTHON="$(PYTHON)" scripts/setup

.PHONY: help setup demo test test-full test-lowest test-newest test-matrix lint format bench mutants fuzz chaos docs serve-docs peers programs corpus suites host-suites lock clean

help:            ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

setup:           ## .venv and the distribution packages that all targets need
	@$(SETUP) dev

demo:            ## set up, then build, push, pull and show two Windows images
	@$(SETUP) run
	@PATH="$(CURDIR)/$(BIN):$$PATH" examples/demo/run

test:            ## set up, then the fast tests
	@$(SETUP) test
	@$(PYTEST) -m "not slow" $(PYTEST_ARGS)

test-full:       ## set up, then all tests, the slow ones too
	@$(SETUP) dev
	@$(PYTEST) $(PYTEST_ARGS)

test-lowest:     ## the fast tests with the lowest versions of packages that we say are enough
	@scripts/lowest $(PYTEST_ARGS)

test-newest:     ## the fast tests in a fresh environment with the newest versions of all packages
	@scripts/newest $(PYTEST_ARGS)

test-matrix:     ## the pytest plugin's tests: pytest 8.4 and the newest, Python 3.11 and 3.13, beside five other plugins
	@$(SETUP) test
	@JOBS=$(JOBS) scripts/matrix $(PYTEST_ARGS)

lint:            ## ruff and mypy --strict
	@$(SETUP) dev
	$(BIN)/ruff check .
	$(BIN)/mypy

format:          ## let ruff repair what it can
	@$(SETUP) dev
	$(BIN)/ruff check --fix .

bench:           ## the benchmarks, against the peers in the same run
	@$(SETUP) dev
	@BENCH_PAGE="$(CURDIR)/docs/benchmarks.md" $(BIN)/python -m pytest -q -s tests/bench -o python_files='bench_*.py' -o testpaths=tests/bench \
		-o faulthandler_timeout=1800 $(PYTEST_ARGS)

mutants:         ## break windows/, layer/ and lint/ in small ways: do the tests notice? Goes on where it stopped
	@$(SETUP) mutants
	@$(BIN)/python scripts/mutants.py run --jobs $(MUTANTS_JOBS) --budget $(MUTANTS_BUDGET) $(MUTANTS_PATHS)

fuzz:            ## a million broken registry hives: does one crash or hang? Goes on where it stopped
	@$(SETUP) test
	@$(BIN)/python scripts/fuzz_hives.py --count $(FUZZ_COUNT) --jobs $(FUZZ_JOBS) --seconds $(FUZZ_SECONDS)

chaos:           ## the embedded engine, killed at 200 random moments, ours and a user's: is anything lost, left or kept?
	@$(SETUP) test
	@$(BIN)/python scripts/chaos.py --count $(CHAOS_COUNT)
	@[ "$$(id -u)" != 0 ] || $(BIN)/python scripts/chaos.py --count $(CHAOS_COUNT) --as-user

docs:            ## the site, into site/; any warning is an error
	@$(SETUP) dev
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

serve-docs:      ## the site on http://127.0.0.1:8000, rebuilt as you write
	@$(SETUP) dev
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve --strict

peers:           ## docs/peers.md: one context built by crane, BuildKit, buildah and wcow, and linted
	@$(SETUP) dev
	@$(BIN)/python scripts/peers

programs:        ## docs/reference/programs.md: real programs of Windows, started in the embedded engine in every way
	@$(SETUP) test
	@$(BIN)/python scripts/programs $(PROGRAMS_ARGS)

corpus:          ## docs/run.md: eighty Dockerfiles of real projects, built with every RUN (CORPUS_ARGS says where they are)
	@$(SETUP) test
	@$(BIN)/python scripts/corpus $(CORPUS_ARGS)

suites:          ## other people's tests against the embedded engine: aiodocker, docker-py, testcontainers-python
	@$(SETUP) test
	@$(BIN)/python scripts/suites $(SUITES) $(SUITES_ARGS)

host-suites:     ## docs/reference/host-suites.md: Ansible's Windows modules on a stand-in host (WCOW_SUITES has the checkouts)
	@$(SETUP) test
	@$(BIN)/python scripts/host_suites.py --page docs/reference/host-suites.md $(SUITES_ARGS)

lock:            ## write requirements/constraints.txt anew
	@scripts/lock

clean:           ## what builds and tests leave behind (not .venv, nor what mutants/ and .fuzz/ know)
	rm -rf build dist site out .demo wcow.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
