.DEFAULT_GOAL := help
.PHONY: help leaderboard test test-slow check format bench results

PYTHON ?= python3
BIN := .venv/bin

# Numeric libraries start one thread: on small arrays more of them only wait for one
# another, and last digits would depend on their number.
export OMP_NUM_THREADS := 1

STRATEGIES := local_search random_search regularized_evolution reinforce successive_halving
BENCHMARKS := nb201/cifar10,nb201/cifar100,nb201/imagenet16_120
RUN := run $(STRATEGIES) --on $(BENCHMARKS) --seeds 240 --trials 200 --jobs 2

help:  ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

leaderboard: .venv/core  ## Run the strategies on the embedded NAS-Bench-201 and rank them.
	$(BIN)/benchsuite $(RUN)
	$(BIN)/benchsuite leaderboard

test: .venv/test  ## Run the test suite, on all cores.
	$(BIN)/pytest -q -n auto

test-slow: .venv/test  ## Run the checks that take minutes.
	$(BIN)/pytest -q -m slow

check: .venv/test  ## Run all that CI runs: format, lint, types, tests.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -q -n auto

format: .venv/test  ## Format the code and mend what ruff can mend.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/test  ## Measure speed and memory, each beside a textbook implementation.
	$(BIN)/python -m tests.bench

results: .venv/core  ## Rebuild every table in results/ from nothing.
	rm -rf results/new
	$(BIN)/benchsuite $(RUN) --results results/new
	$(BIN)/benchsuite export --results results/new
	rm -rf results/nb201
	mv results/new/nb201 results/new/leaderboard.csv results/
	rm -rf results/new

.venv/core: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "benchsuite needs Python 3.11 or newer: make PYTHON=/path/to/python3.12 ..."; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q -e .
	@touch $@

.venv/test: .venv/core pyproject.toml
	$(BIN)/pip install -q -e ".[test]"
	@touch $@
