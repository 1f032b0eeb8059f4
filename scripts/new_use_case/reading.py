"""The rows of a file of unknown layout: one row per line, strictly; every fault is named by file and line."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from scripts.new_use_case.errors import WrongInput
from scripts.new_use_case.options import split_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.new_use_case.options import Options

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
SAMPLE_LINES = 1000  # from which the separator is inferred
LONGEST_LINE = 1024 * 1024  # bytes, as in include/jobs/tabular.py
LARGEST_NUMBER = 3.4e38  # as there
OPEN_QUOTE = "a quote is not closed: expected one row per line"
LONGEST_COLUMN_NAME = 80
MOST_COLUMNS = 80  # a processing job takes 100 arguments, one of them per column


@dataclass(frozen=True)
class Layout:
    """How the file is written.

    :param header: whether the first line names the columns.
    """

    separator: str
    header: bool
    names: tuple[str, ...]


def inspect(options: Options) -> Layout:
    """Infer separator and column names.

    :raises WrongInput: when the file is missing or empty, or when nothing names its columns.
    """
    path = options.csv
    if not path.is_file():
        raise WrongInput(f"CSV={path}: {'not a file' if path.exists() else 'the file does not exist'}")
    names = _read_names(options.names)
    separator = infer_separator(path, options.label, len(names))
    first = next(iter(Rows(path, separator)), None)
    if first is None:
        raise WrongInput(f"{path.name} is empty: expected rows of at least two columns")
    line, cells = first
    header = not names or cells == names
    if not names:
        _check_header(cells, options.label, f"{path.name}, line {line}")
    columns = names or cells
    _check_names(columns, options.label, f"{path.name}, line {line}" if header else "NAMES")
    return Layout(separator, header, tuple(columns))


def _read_names(text: str) -> list[str]:
    """Names from the option, or from the file that it names: separated by commas or lines."""
    if text and Path(text).is_file():
        return [name for _, line in _lines(Path(text)) for name in split_names(line)]
    names = list(split_names(text))
    if len(names) == 1:  # the name of a file: a table has two columns or more
        raise WrongInput(f"NAMES={text}: no such file, and only one name")
    return names


def infer_separator(path: Path, label: str, columns: int) -> str:
    """The separator that cuts the first lines into equally many values.

    Separators that also yield the label's name in the first line, or as many columns as there are names, come
    first; then the one that more lines agree on; then the one with more columns.

    :param columns: how many names there are; 0: none were given.
    :raises WrongInput: when no separator finds two columns.
    """
    lines = [text for _, text in islice(_lines(path), SAMPLE_LINES) if text.strip()]
    if not lines:
        raise WrongInput(f"{path.name} is empty: expected rows of at least two columns")
    scores = {}
    for separator in SEPARATORS:
        cut = [_cells(text, separator) for text in lines]
        width, agreeing = Counter(map(len, cut)).most_common(1)[0]
        if width > 1:
            scores[separator] = (width == columns if columns else label in cut[0], agreeing, width)
    if not scores:
        tried = ", ".join(SEPARATORS.values())
        raise WrongInput(f"{path.name}: only one column; separators that were tried: {tried}")
    return max(scores, key=lambda separator: scores[separator])


def _raw_cells(text: str, separator: str) -> list[str]:
    return next(csv.reader([text], delimiter=separator), [])


def _cells(text: str, separator: str) -> list[str]:
    try:
        return [
            cell.strip() for cell in next(csv.reader([text], delimiter=separator, skipinitialspace=True), [])
        ]
    except csv.Error:
        return []


class Rows:
    """Line number and values of each line that is not blank; blanks around values are cut.

    :param padded: whether blanks were cut until now.
    """

    def __init__(self, path: Path, separator: str) -> None:
        self._path, self._separator = path, separator
        self.padded = False

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Read the file once.

        :raises WrongInput: for a line that is not CSV or not UTF-8, or a value with a line break.
        """
        file, last = self._path.name, 0
        reader = csv.reader(self._texts(), delimiter=self._separator, skipinitialspace=True, strict=True)
        try:
            for cells in reader:
                last += 1
                if reader.line_num != last:
                    raise WrongInput(f"{file}, line {last}: {OPEN_QUOTE}")
                values = [cell.strip() for cell in cells]
                if len(values) > 1 or any(values):
                    self.padded = self.padded or values != cells
                    yield last, values
        except csv.Error as error:
            reason = OPEN_QUOTE if "end of data" in str(error) else f"not a line of CSV: {error}"
            raise WrongInput(f"{file}, line {last + 1}: {reason}") from error

    def _texts(self) -> Iterator[str]:
        gap = f"{self._separator} "
        for _, text in _lines(self._path):
            if not self.padded and (gap in text or text.startswith(" ")):
                self.padded = any(cell.startswith(" ") for cell in _raw_cells(text, self._separator))
            yield text


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Line number and text of each line."""
    with path.open("rb") as file:
        number = 0
        while raw := file.readline(LONGEST_LINE + 1):
            number += 1
            place = f"{path.name}, line {number}"
            if len(raw) > LONGEST_LINE:
                raise WrongInput(f"{place} is longer than {LONGEST_LINE:,} bytes: expected one row per line")
            text = _decoded(raw, place, number)
            if "\r" in text.rstrip("\r\n"):
                raise WrongInput(
                    f"{place} holds a carriage return that is not at its end. If it ends the lines, "
                    "convert the file first, for example: tr '\\r' '\\n' < old.csv > new.csv"
                )
            yield number, text


def _decoded(raw: bytes, place: str, number: int) -> str:
    try:
        text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise WrongInput(
            f"{place}, byte {error.start + 1}: 0x{raw[error.start]:02x} is not UTF-8. "
            "Convert the file first, for example: iconv -f latin1 -t utf-8 old.csv > new.csv"
        ) from error
    if "\0" in text:
        raise WrongInput(f"{place} holds a zero byte: expected text in UTF-8")
    return text


def _check_header(cells: list[str], label: str, place: str) -> None:
    """Check that a first line names columns: all different, none a number, the label among them."""
    numbers = [cell for cell in cells if is_number(cell)]
    if label in cells and not numbers:
        return
    if numbers:
        raise WrongInput(
            f"{place} is no header: {numbers[0]!r} is a number. Name the {len(cells)} columns: NAMES=a,b,c"
        )
    raise WrongInput(
        f"{place}: no column is named {label!r}. The columns are {', '.join(cells)}. "
        f"If this line is a row and no header, name the {len(cells)} columns: NAMES=a,b,c"
    )


def _check_names(names: list[str], label: str, place: str) -> None:
    for number, name in enumerate(names, start=1):
        if not name:
            raise WrongInput(f"{place}: column {number} has no name")
        if names.count(name) > 1:
            raise WrongInput(f"{place}: {names.count(name)} columns are named {name!r}")
        if _width(name) > LONGEST_COLUMN_NAME or not name.isprintable():
            raise WrongInput(
                f"{place}, column {number}: a name has at most {LONGEST_COLUMN_NAME} printable characters "
                f"(wide and escaped ones count twice), not {name[:40]!r}"
            )
        if has_template(name):
            raise WrongInput(f"{place}, column {number}: Airflow would take {name!r} for a template")
    if label not in names:
        raise WrongInput(f"{place}: no column is named {label!r}. The columns are {', '.join(names)}")
    if len(names) > MOST_COLUMNS:
        raise WrongInput(f"{place}: {len(names)} columns; a processing job has arguments for {MOST_COLUMNS}")


def _width(name: str) -> int:
    """Columns that a name takes in a line of Python."""
    wide = sum(east_asian_width(letter) in "WF" for letter in name)
    return len(repr(name)) - 2 + wide


def has_template(text: str) -> bool:
    """Whether Airflow, which renders the arguments of jobs by Jinja, would change a text."""
    return any(opening in text for opening in ("{{", "{%", "{#"))


def is_number(text: str) -> bool:
    """Whether a text is a finite number, as include/jobs/tabular.py checks it; a blank is none."""
    try:
        return "_" not in text and text.isascii() and abs(float(text)) <= LARGEST_NUMBER
    except ValueError:
        return False
