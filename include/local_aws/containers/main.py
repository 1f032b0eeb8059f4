"""Start of every container: `python main.py xgboost train`, `python main.py scikit_learn serve`.

A user's script can import the libraries of the container but nothing of the project: the project's folder is
on the path only while the container's own code is imported.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

PROJECT = str(Path(__file__).parents[3])


def main() -> int:
    """Run `train` or `serve` of a container and return the exit code."""
    container, verb = sys.argv[1:3]
    sys.path[0] = PROJECT  # in place of this folder
    program = import_module(f"include.local_aws.containers.{container}.{verb}")
    sys.path.remove(PROJECT)
    return int(program.main())


if __name__ == "__main__":
    sys.exit(main())
