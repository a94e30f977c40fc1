.DEFAULT_GOAL := help
.PHONY: help leaderboard report test test-slow check format bench docs reproduce results \
	relaxed searches zero-cost agreement

PYTHON ?= python3
# For tests of supernets, which any release from 2.9 on passes; last digits may differ.
TORCH ?= torch==2.13.0
BIN := .venv/bin

# Numeric libraries start one thread: on small arrays more of them only wait for one
# another, and last digits would depend on their number.
export OMP_NUM_THREADS := 1

STRATEGIES := local_search random_search regularized_evolution reinforce successive_halving
QUICK := $(STRATEGIES) anasod_local_search anasod_random_search asha bohb bohb_nats dehb \
	genetic_algorithm hyperband nsga2 random_scalarization ranking \
	regularized_evolution_deb regularized_evolution_mnasnet \
	'regularized_evolution_early_rejection[score=params]' \
	regularized_evolution_low_fidelity \
	'regularized_evolution_move_proposal[score=params]' regularized_evolution_nats \
	'regularized_evolution_warm_start[score=params]' reinforce_tunas rung_promotion \
	sa_ea_generation simulated_annealing tpe
SLOW := anasod_bo gp_bo gp_bo_wl npenas parego sa_ea_individual smac
SLOWEST := bananas bananas_random 'bananas_warm_start[score=params]' early_rejection
FRONTS := nsga2 parego random_scalarization random_search
BENCHMARKS := nb201/cifar10,nb201/cifar100,nb201/imagenet16_120
SEARCH := --space nats_tss --data cifar10 --results results/supernet
SMALL := --channels 4 --cells 1 --images 2560
SEARCHED := gdas spos random_sampling darts anasod_darts anasod_gdas balenas balenas_tf \
	if_nas msg_das rarts rarts_jacobi rf_darts rf_pcdarts tnd_nas
RELAXED := anasod_darts anasod_gdas balenas darts darts_pt drnas enas fair_darts gdas \
	gdas_nb201 msg_das pc_darts shapley_nas shapley_nas_renormalised snas tnd_nas
MODELS := XGBoost,RandomForest,GaussianProcess,GraphNetwork
ALONE := training/nats_tss/cifar10@5+channels-8+cells-1
ON := --on $(BENCHMARKS) --trials 200 --jobs 2

help:  ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

leaderboard: .venv/core  ## Run the strategies on the embedded NAS-Bench-201 and rank them.
	$(BIN)/benchsuite run $(STRATEGIES) $(ON) --seeds 240 --results results/quick
	$(BIN)/benchsuite leaderboard --results results/quick

report: leaderboard .venv/report  ## Write a page, figures and tables about that, in report/.
	$(BIN)/benchsuite report --results results/quick

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
	$(BIN)/python -m tests.bench.supernet
	$(BIN)/python -m tests.bench.reports
	$(BIN)/python -m tests.bench.page
	$(BIN)/python -m tests.bench.surrogate_models
	$(BIN)/python -m tests.bench.surrogate_benchmarks

docs: .venv/test  ## Write the documents that follow from the code and the results.
	$(BIN)/python -m tests.documents

reproduce: .venv/test  ## Run published protocols and write docs/reproduction.md.
	$(BIN)/python -m tests.reproduction

results: .venv/report  ## Rebuild every table in results/, and docs/gallery; takes an hour.
	rm -rf results/new
	$(BIN)/benchsuite run $(QUICK) $(ON) --seeds 240 --results results/new
	$(BIN)/benchsuite run $(FRONTS) --on nb201/cifar10 --objectives error,latency \
		--trials 200 --seeds 48 --jobs 2 --results results/new/fronts
	$(BIN)/python -m tests.documents.gallery results/new results/new/fronts
	$(BIN)/benchsuite run $(SLOW) $(ON) --seeds 48 --results results/new
	$(BIN)/benchsuite run $(SLOWEST) $(ON) --seeds 24 --results results/new
	$(BIN)/benchsuite export --results results/new
	rm -rf results/nb201
	mv results/new/nb201 results/new/leaderboard.csv results/
	rm -rf results/new

relaxed: .venv/test  ## Search on the relaxed table of NAS-Bench-201; ten minutes.
	for method in $(RELAXED); do \
		$(BIN)/benchsuite search $$method --data nb201/cifar10 --alpha-rate 0.03 --epochs 50 --seeds 5 --results results/relaxed_table || exit 1; done
	$(BIN)/benchsuite export --results results/relaxed_table

agreement: .venv/test  ## How good surrogates of NAS-Bench-201 are as benchmarks; half an hour.
	$(BIN)/benchsuite agreement --on nb201/cifar10 --models $(MODELS) --seeds 24

zero-cost: .venv/test  ## Rank correlations of zero-cost proxies; IMAGES as for searches; 25 minutes.
	$(BIN)/python -m tests.reproduction.zero_cost --images "$(IMAGES)"

searches: .venv/test  ## Search on CIFAR-10; IMAGES=<folder of cifar-10-batches-py>; some hours.
	@test -d "$(IMAGES)" || { echo "make searches IMAGES=<folder that has cifar-10-batches-py>"; exit 2; }
	for method in $(SEARCHED); do \
		$(BIN)/benchsuite search $$method $(SEARCH) --epochs 15 $(SMALL) --seeds 3 --truth nb201/cifar10 || exit 1; done
	for method in shapley_nas shapley_nas_renormalised; do \
		$(BIN)/benchsuite search $$method $(SEARCH) --epochs 15 $(SMALL) --batch-size 64 --seeds 3 --truth nb201/cifar10 || exit 1; done
	for method in freedarts_grasp freedarts_snip freedarts_synflow; do \
		$(BIN)/benchsuite search $$method $(SEARCH) --images 256 --seeds 3 --truth nb201/cifar10 || exit 1; done
	$(BIN)/benchsuite run regularized_evolution --on inherited/nats_tss/cifar10 --trials 30 --seeds 3 --timeout 3600 --results results/supernet
	$(BIN)/benchsuite search gdas $(SEARCH) --epochs 15 $(SMALL) --seeds 1 --truth $(ALONE)
	$(BIN)/benchsuite export --results results/supernet
searches: export BENCHSUITE_IMAGES = $(abspath $(IMAGES))

.venv/core: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "benchsuite needs Python 3.11 or newer: make PYTHON=/path/to/python3.12 ..."; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q -e .
	@touch $@

.venv/report: .venv/core pyproject.toml
	$(BIN)/pip install -q -e ".[report]"
	@touch $@

.venv/test: .venv/core pyproject.toml
	$(BIN)/pip install -q -e ".[test]" $(TORCH)
	@touch $@
