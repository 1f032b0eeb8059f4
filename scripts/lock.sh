#!/usr/bin/env bash
# Resolves both environments for Python 3.11 and 3.12 on every platform; index addresses stay out of the locks.
set -euo pipefail
uv=$(command -v uv || echo .venv/uv/bin/uv)

lock() { # lock FILE REQUIREMENTS...
    "$uv" --quiet pip compile --universal --python-version 3.11 --upgrade --no-emit-index-url --no-emit-find-links \
        --custom-compile-command "make lock" --output-file "$1" "${@:2}"
}

lock requirements.lock requirements.txt tests/requirements.txt
lock include/local_aws/requirements.lock include/local_aws/requirements.txt tests/requirements-jobs.txt tests/requirements.txt
lock tests/compose/requirements.lock tests/compose/requirements.txt
