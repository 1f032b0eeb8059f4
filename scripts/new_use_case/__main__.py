"""`python -m scripts.new_use_case --name term_deposits --csv bank.csv --label y`: see `--help`."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.new_use_case.draft import draft
from scripts.new_use_case.errors import WrongInput
from scripts.new_use_case.options import parse
from scripts.new_use_case.summary import summarise
from scripts.new_use_case.writing import check_free, plan, write

if TYPE_CHECKING:
    from collections.abc import Sequence

PROJECT = Path(__file__).parents[2]
WRONG_INPUT, NOT_WRITTEN = 2, 1  # exit codes


def main(argv: Sequence[str] | None = None, project: Path = PROJECT) -> int:
    """Make a use case and return the exit code."""
    start = time.monotonic()
    try:
        options = parse(argv)
        check_free(options, project)
        use_case = draft(options)
        files = plan(use_case, project)
        write(files, project)
    except WrongInput as error:
        print(_message(error), file=sys.stderr)
        return WRONG_INPUT
    except OSError as error:
        print(_message(error), file=sys.stderr)
        return NOT_WRITTEN
    print(summarise(use_case, files))
    print(f"\nMade in {time.monotonic() - start:.0f} s.")
    return 0


def _message(error: Exception) -> str:
    """The error, and what it leaves behind."""
    return "\n".join([str(error), *getattr(error, "__notes__", ["Nothing was written."])])


def _stop(number: int, frame: object) -> None:
    """A request to end the process becomes an exception, so that what was written is taken back."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(main())
