"""The words of the command line, and the command that is suggested in a message."""

from __future__ import annotations

import argparse
import csv
import io
import keyword
import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from include.use_cases.definition import NAME
from scripts.new_use_case.errors import WrongInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LONGEST_NAME = 20  # names of AWS resources have 63 characters: use case, step and run share them
EXAMPLE = "make use-case NAME=term_deposits CSV=bank.csv LABEL=y"


@dataclass(frozen=True)
class Options:
    """What the user asks for.

    :param positive: the positive label; empty: the rarer one.
    :param ignore: columns that the model does not learn from.
    :param names: column names of a file without a header line, as text or as the path of a file.
    :param allow: columns that are learned from although they look like an id or give the label away.
    """

    name: str
    csv: Path
    label: str
    positive: str = ""
    ignore: tuple[str, ...] = ()
    names: str = ""
    allow: tuple[str, ...] = ()

    @property
    def constant(self) -> str:
        """Name of the constant in `use_case.py`."""
        return self.name.upper()

    @property
    def title(self) -> str:
        return self.name.replace("_", " ").capitalize()


def parse(argv: Sequence[str] | None) -> Options:
    """Read the command line; argparse ends the process with code 2 where a word is unknown.

    :raises WrongInput: for a name that cannot be one of a use case, or an option without a value.
    """
    words = _parser().parse_args(argv)
    for option in ("name", "csv", "label"):
        if not getattr(words, option):
            raise WrongInput(f"{option.upper()} is missing. Example: {EXAMPLE}")
    check_name(words.name)
    return Options(
        name=words.name,
        csv=Path(words.csv),
        label=words.label,
        positive=words.positive,
        ignore=split_names(words.ignore),
        names=words.names,
        allow=split_names(words.allow),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make use-case",
        description="Make a use case of a CSV file: its columns, its DAG, its page and its test. "
        "Nothing is overwritten; where the input is wrong, nothing is written.",
        epilog="With make the options are variables: make use-case NAME=... CSV=... LABEL=... [POSITIVE=...] "
        "[IGNORE=a,b] [NAMES=a,b,c] [ALLOW=a,b]. The tutorial is docs/a-new-use-case.md.",
    )
    add = parser.add_argument
    add("--name", default="", help=f"lower case, digits and _, at most {LONGEST_NAME} characters")
    add("--csv", default="", help="the data: one row per line, UTF-8, two different labels")
    add("--label", default="", help="name of the column to predict")
    add("--positive", default="", help="the label of interest (default: the rarer one)")
    add("--ignore", default="", metavar="A,B", help="columns that the model does not learn from")
    add(
        "--names",
        default="",
        metavar="A,B,C",
        help="column names, or a file of them; for data without a header",
    )
    add(
        "--allow",
        default="",
        metavar="A,B",
        help="columns to learn from although they look like an id or a leak",
    )
    return parser


def check_name(name: str) -> None:
    """Check that a name can be one of a Python module, a DAG and AWS resources.

    :raises WrongInput: saying what a name looks like.
    """
    if not re.fullmatch(NAME, name) or keyword.iskeyword(name):
        raise WrongInput(
            f"NAME={name}: expected lower-case words joined by _, beginning with a letter, "
            "no keyword of Python; for example term_deposits"
        )
    if len(name) > LONGEST_NAME:
        raise WrongInput(f"NAME={name} has {len(name)} characters: at most {LONGEST_NAME} fit into AWS names")


def split_names(text: str) -> tuple[str, ...]:
    """Names separated by commas; a name with a comma in it stands in double quotes."""
    rows = csv.reader(io.StringIO(text), skipinitialspace=True)
    return tuple(name.strip() for row in rows for name in row if name.strip())


def join_names(names: Iterable[str]) -> str:
    """The reverse of `split_names`."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(list(names))
    return text.getvalue()


def command(options: Options, *, ignore: Iterable[str] = (), allow: Iterable[str] = ()) -> str:
    """The command to run instead, ready for a shell: with these columns ignored or allowed, too."""
    ignored, allowed = dict.fromkeys([*options.ignore, *ignore]), dict.fromkeys([*options.allow, *allow])
    changed = replace(options, ignore=tuple(ignored), allow=tuple(allowed))
    variables = {
        "NAME": changed.name,
        "CSV": str(changed.csv),
        "LABEL": changed.label,
        "POSITIVE": changed.positive,
        "IGNORE": join_names(changed.ignore),
        "NAMES": changed.names,
        "ALLOW": join_names(changed.allow),
    }
    words = (f"{name}={_quoted(text)}" for name, text in variables.items() if text)
    return f"make use-case {' '.join(words)}"


def _quoted(text: str) -> str:
    return shlex.quote(text.replace("$", "$$"))  # a single $ begins a variable of make
