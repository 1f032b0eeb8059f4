#!/usr/bin/env bash
# The whole suite: what runs in the jobs environment, then what runs in Airflow's; beside both, since they mostly
# wait, the README's commands. Arguments go to all.
set -uo pipefail
if [ -z "${ML_DATASETS_DIR:-}" ] && [ -d ../shared/datasets ]; then
    export ML_DATASETS_DIR=$PWD/../shared/datasets
fi
status=0
side_by_side=(-n 2 --dist loadfile --no-loadscope-reorder --durations 15)  # long files come first

commands_log=$(mktemp)
.venv/airflow/bin/python -m pytest --durations 5 tests/e2e "$@" >"$commands_log" 2>&1 &
commands=$!
trap 'kill $commands 2>/dev/null && wait $commands; rm -f "$commands_log"' EXIT
trap 'exit 130' INT
.venv/jobs/bin/python -m pytest "${side_by_side[@]}" -m "not numbers" tests/local_aws tests/include \
    tests/new_use_case --ignore-glob '*/test_generated_[dl]*' "$@" || status=$?
.venv/airflow/bin/python -m pytest "${side_by_side[@]}" tests/mwaa tests/dags tests/plugins tests/project "$@" || status=$?
wait $commands || status=$?
cat "$commands_log"
exit "$status"
