# smallpolaron: the commands of a checkout. `make` alone lists them.
#
#   SMALLPOLARON_PETSC   where PETSc comes from: auto (default), ready, system, wheel, build, none, or
#                        a folder; the demo takes what is ready, and runs without where nothing is
#   SMALLPOLARON_CACHE   where PETSc is kept once built (default: ~/.cache/smallpolaron)
#   PYTHON, UV           the interpreter and the uv to use
#   CONFIG               study for `make cost` (default: config/config.yaml)
#   TORTURE_ARGS         options of `make torture`: "--help" lists them
#   PYTEST_ARGS          options of pytest for `make test` (default: a process per core)
#   VERSION              of the documentation that `make docs` keeps (default: none, site/)
#   CORES                cores for `make demo`, `make paper-mori`, `make paper-anomalous`
#                        (default: as profiles/local says)

.DEFAULT_GOAL := help
.NOTPARALLEL:
SHELL := /bin/sh

export SMALLPOLARON_PETSC SMALLPOLARON_CACHE PYTHON UV

CONFIG ?= config/config.yaml

# Every command runs with the variables that the set-up wrote down for the chosen PETSc and MPI.
IN_ENV := . ./.venv/smallpolaron-env &&
DEMO_CORES := $(if $(CORES),--cores $(CORES))
REPORT := results/demo/report.html
# A hanging rank must not hang the make.
RANK_TIMEOUT ?= 1200
# One process per core; a file stays in one, for its fixtures.
PYTEST_ARGS ?= --numprocesses=auto --dist=loadfile --no-loadscope-reorder

.PHONY: help setup setup-ready cost demo paper-mori paper-anomalous test test-fast test-serial test-mpi torture bench docs lint format clean

help: ## List these commands
	@echo "smallpolaron: make <command>"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Create .venv with the locked packages and a complex PETSc; quick when nothing changed
	@envs/setup.sh

# As setup, but without building PETSc: where none is ready, jobs run in one process.
setup-ready:
	@SMALLPOLARON_PETSC=$${SMALLPOLARON_PETSC:-ready} envs/setup.sh

cost: setup ## Tell what a study will take: make cost CONFIG=config/mori2024.yaml
	@$(IN_ENV) python -m smallpolaron cost $(CONFIG) $(COST_ARGS)

demo: setup-ready ## Set up, run the demo study and write its report
	@$(IN_ENV) snakemake --profile profiles/local $(DEMO_CORES)
	@echo
	@test -f $(REPORT) || { echo "The demo ended without its report $(REPORT)."; exit 1; }
	@echo "Demo finished. Open the report in a browser: $(CURDIR)/$(REPORT)"

paper-mori: setup ## Regenerate figures 1 to 6 and Table 1 of the Mori GQME paper
	@$(IN_ENV) snakemake mori2024 --profile profiles/local $(DEMO_CORES) \
	    --configfile config/mori2024.yaml
	@echo "Figures and comparison: $(CURDIR)/results/mori2024/paper/index.html"

paper-anomalous: setup ## Regenerate figures 1 to 4 and S1 to S5 of the anomalous-transport paper
	@$(IN_ENV) snakemake anomalous2024 --profile profiles/local $(DEMO_CORES) \
	    --configfile config/anomalous2024.yaml
	@echo "Figures and comparison: $(CURDIR)/results/anomalous2024/paper/index.html"

test: setup test-serial test-mpi ## Set up and run all tests, the MPI ones on 1, 2 and 3 ranks
	@echo
	@echo "All tests passed, on 1, 2 and 3 ranks."

# What needs no process of its own and no study.
FAST := $(addprefix tests/,analysis api hierarchy inverse/test_emulator.py inverse/test_inverse.py model parallel)

test-fast: setup-ready ## Set up and run the unit tests
	@$(IN_ENV) python -m pytest --fast $(PYTEST_ARGS) $(FAST)

test-serial: setup
	@echo "== Tests, without MPI ranks"
	@$(IN_ENV) python -m pytest $(PYTEST_ARGS)

test-mpi: setup
	@for ranks in 2 3; do \
	    echo "== Tests marked mpi, $$ranks ranks"; \
	    ( $(IN_ENV) timeout $(RANK_TIMEOUT) mpiexec -n $$ranks python tests/run_ranks.py $$ranks ) \
	        || { echo "Failed on $$ranks ranks."; exit 1; }; \
	done

torture: setup ## Disturb jobs and workflows 230 times, report what survives (docs/torture.md)
	@$(IN_ENV) python -m tests.torture $(TORTURE_ARGS)

bench: setup ## Set up, run all benchmarks and write benchmarks/report (about 40 minutes)
	@$(IN_ENV) python benchmarks/run.py $(BENCH_ARGS)

docs: setup-ready ## Build the documentation, site/index.html; VERSION=1.2 keeps it in versions/
	@$(IN_ENV) NO_MKDOCS_2_WARNING=1 VERSION="$(VERSION)" mkdocs build --strict --quiet
	@echo "Documentation: $(CURDIR)/$(if $(VERSION),versions/$(VERSION),site)/index.html"

lint: setup ## Check style, types and workflow
	@$(IN_ENV) ruff check
	@$(IN_ENV) ruff format --check
	@$(IN_ENV) mypy
	@$(IN_ENV) snakefmt --check Snakefile workflow papers
	@$(IN_ENV) snakemake --lint

format: setup ## Rewrite code and rules in the project's style
	@$(IN_ENV) ruff check --fix
	@$(IN_ENV) ruff format
	@$(IN_ENV) snakefmt Snakefile workflow papers

clean: ## Remove the environment and caches of this checkout; results stay
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache
	@find src papers tests envs workflow -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
	@echo "Removed .venv and caches. Results and the PETSc cache are untouched."
