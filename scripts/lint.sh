#!/usr/bin/env bash
# ruff on everything; mypy (strict) on each part in the environment that it runs in; cfn-lint on the templates.
set -euo pipefail
.venv/jobs/bin/ruff check .
.venv/jobs/bin/ruff format --check .
.venv/jobs/bin/mypy include/local_aws include/jobs include/use_cases include/datasets benchmarks \
    --exclude benchmarks/waits_triggers.py
.venv/airflow/bin/mypy dags plugins include/workflows include/aws scripts docker \
    benchmarks/waits_triggers.py
.venv/jobs/bin/cfn-lint include/infrastructure/*.yaml
