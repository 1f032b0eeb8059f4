"""What each column is, which label is the positive one, and what a person should look at."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scripts.new_use_case.errors import WrongInput
from scripts.new_use_case.options import command
from scripts.new_use_case.reading import has_template, is_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.use_cases.definition import Kind
    from scripts.new_use_case.options import Options
    from scripts.new_use_case.scanning import Scan, Tally

FEW = 20  # whole numbers with so many values or fewer may be codes
MANY = 200  # categories with more values become a wide table
MOSTLY_NUMBERS = 0.9  # share of the rows from which text beside numbers is pointed out
LONGEST_LABEL = 40
NEGATIVE = re.compile(r"-(\d+|\d*\.\d+)", re.ASCII)  # argparse takes it for a value, not for an option


def labels_of(scan: Scan, options: Options) -> tuple[str, str]:
    """Negative and positive label.

    :raises WrongInput: when the label column does not hold exactly two values, one of them POSITIVE.
    """
    tally, file = scan.columns[options.label], options.csv.name
    place = f"{file}, column {options.label!r}"
    if "blank" in tally.first:
        raise WrongInput(
            f"{file}, line {tally.first['blank'][0]}, column {options.label!r}: the label is missing"
        )
    values = sorted(tally.values)
    if len(values) != 2:
        examples = ", ".join(map(repr, values[:5])) + (", ..." if len(values) > 5 else "")
        number = "only one value" if len(values) == 1 else f"{tally.distinct} values"
        raise WrongInput(f"{place}: {number} ({examples}), expected two labels")
    for label in values:
        _check_label(label, place)
    if options.positive and options.positive not in values:
        raise WrongInput(
            f"POSITIVE={options.positive} is no label: {place} holds {values[0]!r} and {values[1]!r}"
        )
    positive = options.positive or min(reversed(values), key=lambda label: tally.values[label])
    return values[positive == values[0]], positive


def _check_label(label: str, place: str) -> None:
    """Check that a label can travel as an argument of a job and as a value in a line of CSV."""
    if has_template(label):
        raise WrongInput(f"{place}: Airflow would take the label {label[:60]!r} for a template")
    option = label.startswith("-") and not NEGATIVE.fullmatch(label)
    if len(label) > LONGEST_LABEL or option or set(label) & set(',"') or not label.isprintable():
        raise WrongInput(
            f"{place}: a label is at most {LONGEST_LABEL} printable characters, without comma and double "
            f"quote, and does not begin with a hyphen; not {label[:60]!r}"
        )


def kinds_of(scan: Scan, options: Options) -> dict[str, Kind]:
    """The kind of each column: a number when every value that is there is one.

    :raises WrongInput: for an unknown name in IGNORE or ALLOW, and for a column without any value.
    """
    _check_names(scan, options)
    empty = [name for name, tally in scan.columns.items() if _is_empty(tally, options)]
    if empty:
        names = ", ".join(map(repr, empty))
        raise WrongInput(
            f"{options.csv.name}: no value in any row of column {names}. Leave it out:\n"
            f"  {command(options, ignore=empty)}"
        )
    kinds = {name: _kind(tally, options) for name, tally in scan.columns.items()}
    if not {"number", "category"} & set(kinds.values()):
        raise WrongInput(f"{options.csv.name}: no column is left to learn from")
    return kinds


def _check_names(scan: Scan, options: Options) -> None:
    for option, names in (("IGNORE", options.ignore), ("ALLOW", options.allow)):
        for name in names:
            if name not in scan.columns:
                columns = ", ".join(scan.columns)
                raise WrongInput(f"{option}: no column is named {name!r}. The columns are {columns}")
    if options.label in options.ignore:
        raise WrongInput(f"IGNORE: {options.label!r} is the label")


def _is_empty(tally: Tally, options: Options) -> bool:
    if tally.name in (options.label, *options.ignore):
        return False
    return not set(tally.first) - {"blank", "missing"}


def _kind(tally: Tally, options: Options) -> Kind:
    if tally.name == options.label:
        return "label"
    if tally.name in options.ignore:
        return "ignore"
    return "category" if "text" in tally.first else "number"


def missing_texts(scan: Scan, kinds: Mapping[str, Kind]) -> tuple[str, ...]:
    """The texts that mean "no value" in the columns of numbers."""
    numbers = [scan.columns[name] for name, kind in kinds.items() if kind == "number"]
    return tuple(sorted({text for tally in numbers for text in tally.missing}))


def remarks(scan: Scan, kinds: Mapping[str, Kind]) -> list[str]:
    """What was guessed and should be looked at, column by column."""
    used = [(scan.columns[name], kind) for name, kind in kinds.items() if kind in ("number", "category")]
    return [text for tally, kind in used for text in _remarks(tally, kind, scan.rows)]


def _remarks(tally: Tally, kind: Kind, rows: int) -> list[str]:
    texts = _of_number(tally) if kind == "number" else _of_category(tally)
    contents = tally.contents
    absent = contents["blank"] + (contents["missing"] if kind == "number" else 0)
    if absent > rows / 2:
        texts.append(f"has no value in {absent / rows:.0%} of the rows")
    if len(tally.values) == 1:
        texts.append("has the same value in every row: nothing can be learned from it")
    return [f"{tally.name!r} {text}" for text in texts]


def _of_number(tally: Tally) -> list[str]:
    texts: list[str] = []
    if tally.code:
        texts.append(
            f"is a number, but line {tally.code[0]} is {tally.code[1]!r}: a code? Then call it a category"
        )
    elif "number" not in tally.first and 1 < len(tally.values) <= FEW:
        texts.append(f"is a number with {tally.distinct} whole values: codes? Then call it a category")
    if tally.missing:
        texts.append(f"is a number; {', '.join(map(repr, sorted(tally.missing)))} was read as: no value")
    return texts


def _of_category(tally: Tally) -> list[str]:
    texts: list[str] = []
    contents = tally.contents
    numbers, total = contents["whole"] + contents["number"], sum(contents.values())
    line, example = tally.first["text"]
    if numbers >= MOSTLY_NUMBERS * total:
        texts.append(
            f"is text although {numbers / total:.1%} of its values are numbers: line {line} is {example!r}"
        )
    if _has_decimal_comma(tally):
        texts.append(f"is text; are these numbers with a decimal comma? Line {line} is {example!r}")
    if tally.beyond or len(tally.values) > MANY:
        texts.append(f"is text with {tally.distinct} different values: each becomes a feature of its own")
    return texts


def _has_decimal_comma(tally: Tally) -> bool:
    texts = [value for value in tally.values if value]
    return any("," in text for text in texts) and all(is_number(text.replace(",", ".", 1)) for text in texts)
