#!/usr/bin/env bash
# Resolves both environments for Python 3.11 and 3.12 on every platform; index addresses stay out of the locks.
set -euo pipefail
uv=$(command -v uv || echo .venv/uv/bin/uv)
for requirements in requirements include/local_aws/requirements; do
    "$uv" --quiet pip compile --universal --python-version 3.11 --upgrade --no-emit-index-url --no-emit-find-links \
        --custom-compile-command "make lock" --output-file "$requirements.lock" \
        "$requirements.txt" tests/requirements.txt
done
