# make demo   run the churn workflow on this machine, no AWS account needed
# make up     Airflow's UI and the local AWS; make down stops them
.DEFAULT_GOAL := help
SHELL := /bin/bash
AIRFLOW := .venv/airflow
JOBS := .venv/jobs
AIRFLOW_PY := $(AIRFLOW)/bin/python
JOBS_PY := $(JOBS)/bin/python
.PHONY: help install demo up down status use-case test use-case-test use-case-loop numbers workflows loop chaos lint format bench mwaa compose-test lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

install: $(AIRFLOW)/.ready $(JOBS)/.ready ## both environments, as the lock files say

$(AIRFLOW)/.ready: requirements.lock scripts/environment.sh
	@scripts/environment.sh $(AIRFLOW) requirements.lock

$(JOBS)/.ready: include/local_aws/requirements.lock scripts/environment.sh
	@scripts/environment.sh $(JOBS) include/local_aws/requirements.lock

demo: install ## run the churn workflow from data to a verified endpoint and show the results
	@$(AIRFLOW_PY) -m scripts.demo

up: install ## start the Airflow UI and the local AWS
	@$(AIRFLOW_PY) -m scripts.stack up

down: ## stop what `make up` started
	@if [ -x $(AIRFLOW_PY) ]; then $(AIRFLOW_PY) -m scripts.stack down; else echo "Nothing was installed, nothing runs."; fi

status: install ## what runs, and where
	@$(AIRFLOW_PY) -m scripts.stack status

use-case: install ## a further use case from a CSV file: NAME=... CSV=... LABEL=... (docs/a-new-use-case.md)
	@$(JOBS_PY) -m scripts.new_use_case --name="$$NAME" --csv="$$CSV" --label="$$LABEL" --positive="$$POSITIVE" \
		--ignore="$$IGNORE" --names="$$NAMES" --allow="$$ALLOW"

test: install ## the suite
	@scripts/test.sh

numbers: install ## what the models and the drift checks are worth, measured and printed (3 minutes)
	@ML_DATASETS_DIR="$${ML_DATASETS_DIR:-$$(cd ../shared/datasets 2>/dev/null && pwd)}" \
		$(JOBS_PY) -m pytest -s -m numbers tests/local_aws tests/include

workflows: install ## run the longer workflows from end to end (7 minutes)
	@ML_DATASETS_DIR="$${ML_DATASETS_DIR:-$$(cd ../shared/datasets 2>/dev/null && pwd)}" \
		.venv/airflow/bin/python -m pytest tests/workflows

use-case-test: install ## make use-case on two data sets, to their served endpoints (4 minutes; needs ML_DATASETS_DIR)
	@ML_DATASETS_DIR="$${ML_DATASETS_DIR:-$$(cd ../shared/datasets 2>/dev/null && pwd)}" \
		.venv/airflow/bin/python -m pytest -s tests/new_use_case/test_generated_dag.py

use-case-loop: install ## drift, retraining and promotion of these use cases (10 minutes; needs ML_DATASETS_DIR)
	@ML_DATASETS_DIR="$${ML_DATASETS_DIR:-$$(cd ../shared/datasets 2>/dev/null && pwd)}" \
		.venv/airflow/bin/python -m pytest -s tests/new_use_case/test_generated_loop.py

loop: install ## drift, retraining, promotion and roll-back under a real scheduler by the clock alone (35 minutes)
	@ML_DATASETS_DIR="$${ML_DATASETS_DIR:-$$(cd ../shared/datasets 2>/dev/null && pwd)}" \
		.venv/airflow/bin/python -m pytest tests/loop

chaos: install ## kill workers, the triggerer and AWS while jobs run; throttle every call; drift at bad moments (16 minutes)
	@.venv/airflow/bin/python -m pytest tests/chaos

lint: install ## ruff, mypy (strict) and cfn-lint
	@scripts/lint.sh

format: install ## ruff format and the fixes that are safe
	@$(JOBS)/bin/ruff format . && $(JOBS)/bin/ruff check --fix .

bench: install ## measure beside peers; the table of benchmarks/README.md
	@$(JOBS_PY) -m benchmarks

mwaa: ## dist/mwaa: what an Amazon MWAA environment reads from its bucket
	@python3 -m scripts.mwaa

.venv/browser/.ready: tests/compose/requirements.lock scripts/environment.sh
	@scripts/environment.sh .venv/browser tests/compose/requirements.lock

compose-test: install .venv/browser/.ready ## build, run, kill, restart and remove the docker compose stack (30 minutes; needs a Docker engine)
	@$(AIRFLOW_PY) -m pytest tests/compose -v -s

lock: install ## resolve both environments anew
	@scripts/lock.sh

clean: down ## remove everything that running the project made, environments included
	rm -rf .venv .airflow .local_aws .run .pytest_cache .mypy_cache .ruff_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
