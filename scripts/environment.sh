#!/usr/bin/env bash
# environment.sh FOLDER LOCK: a virtual environment that holds exactly what the lock file names.
# Uses uv: the machine's own, or one installed into .venv/uv. PYTHON names another interpreter.
set -euo pipefail
folder=$1 lock=$2

suits() { "$1" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.12 python3.11}; do
        if suits "$candidate"; then command -v "$candidate"; return; fi
    done
    echo "Python 3.11 or 3.12 with the venv module is needed; found: $(python3 --version 2>&1 || echo none)." >&2
    echo "Name one with: make PYTHON=/path/to/python3.12 ..." >&2
    exit 1
}

python=$(find_python)
if ! uv=$(command -v uv); then
    uv=.venv/uv/bin/uv
    [ -x "$uv" ] || { "$python" -m venv .venv/uv && .venv/uv/bin/pip --quiet --disable-pip-version-check install uv; }
fi

echo "Installing $lock into $folder (the first time takes a minute or two) ..."
[ -x "$folder/bin/python" ] && suits "$folder/bin/python" || "$uv" --quiet venv --clear --python "$python" "$folder"
# compiled once, as pip does: every job and task is a process of its own, and not all may write what they compile
"$uv" --quiet pip sync --compile-bytecode --python "$folder" "$lock"
touch "$folder/.ready"
