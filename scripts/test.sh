#!/usr/bin/env bash
# The whole suite: what runs in the jobs environment, then what runs in Airflow's. Arguments go to both.
set -uo pipefail
if [ -z "${ML_DATASETS_DIR:-}" ] && [ -d ../shared/datasets ]; then
    export ML_DATASETS_DIR=$PWD/../shared/datasets
fi
status=0
# one more than CI's cores, since jobs are waited for; long files come first
side_by_side=(-n 3 --dist loadfile --no-loadscope-reorder --durations 15)
.venv/jobs/bin/python -m pytest "${side_by_side[@]}" -m "not numbers" tests/local_aws tests/include "$@" || status=$?
.venv/airflow/bin/python -m pytest "${side_by_side[@]}" \
    tests/e2e tests/mwaa tests/dags tests/plugins tests/project "$@" || status=$?
exit "$status"
