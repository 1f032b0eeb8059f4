#!/usr/bin/env bash
# ruff on everything; mypy (strict) on each part and its tests in the environment that it runs in; cfn-lint on the templates.
set -euo pipefail
.venv/jobs/bin/ruff check .
.venv/jobs/bin/ruff format --check .
.venv/jobs/bin/mypy include/local_aws include/jobs include/use_cases include/datasets benchmarks scripts/new_use_case \
    tests/local_aws tests/include \
    --exclude benchmarks/waits_triggers.py
.venv/airflow/bin/mypy dags plugins include/workflows include/aws scripts docker benchmarks/waits_triggers.py \
    tests/{dags,plugins,project,mwaa,chaos,loop,workflows,e2e,compose,new_use_case} tests/*.py
.venv/jobs/bin/cfn-lint include/infrastructure/*.yaml
