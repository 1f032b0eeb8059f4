"""The files of a use case as text, already in the style of `ruff format`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.use_cases.definition import UseCase
from scripts.new_use_case.options import command
from scripts.new_use_case.recipe import HYPERPARAMETERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scripts.new_use_case.draft import Draft
    from scripts.new_use_case.options import Options

LONGEST_STEM = 100  # bytes
LINE = 110  # characters, as in pyproject.toml
KINDS = {
    "number": "number: a missing value becomes the median; scaled",
    "category": "category: one feature per value",
    "ignore": "not learned from",
    "label": "the label",
}


def render(draft: Draft) -> dict[str, str]:
    """Text by path, relative to the project."""
    import jinja2

    environment = jinja2.Environment(  # noqa: S701 - Python and Markdown, no HTML
        loader=jinja2.PackageLoader("scripts.new_use_case"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"literal": literal, "cell": cell}
    name, content = draft.options.name, context(draft)
    templates = {
        f"include/use_cases/{name}/use_case.py": "use_case.py.j2",
        f"include/use_cases/{name}/README.md": "README.md.j2",
        f"tests/include/{name}/test_use_case.py": "test_use_case.py.j2",
        f"dags/{name}.py": "dag.py.j2",
    }
    files = {path: environment.get_template(template).render(content) for path, template in templates.items()}
    return {f"include/use_cases/{name}/__init__.py": "", **files}


def context(draft: Draft) -> dict[str, Any]:
    """What the templates read."""
    options, labels = draft.options, draft.scan.columns[draft.options.label].values
    return {
        "name": options.name,
        "constant": options.constant,
        "title": options.title,
        "file": options.csv.name,
        "data_file": data_file(draft),
        "label": options.label,
        "labels": draft.labels,
        "counts": [labels[label] for label in draft.labels],
        "rows": draft.scan.rows,
        "columns": draft.kinds,
        "kinds": KINDS,
        "tallies": draft.scan.columns,
        "raw": raw_format(draft),
        "missing": draft.missing,
        "header": draft.layout.header,
        "seed": UseCase.split_seed,
        "hyperparameters": HYPERPARAMETERS,
        "measurement": draft.measurement,
        "measured_on_all": sum(draft.measurement.rows.values()) == draft.scan.rows,
        "purpose": purpose(draft),
        "command": command(_without_folders(options)),
        "tuple": tuple_of,
    }


def _without_folders(options: Options) -> Options:
    """The options with the names of files only: the page is the same on every machine."""
    names = Path(options.names).name if Path(options.names).is_file() else options.names
    return replace(options, csv=Path(options.csv.name), names=names)


def purpose(draft: Draft) -> str:
    """What the workflow is for, as text of a docstring."""
    negative, positive = draft.labels
    question = f"Is `{draft.options.label}` `{positive}` or `{negative}`?".replace("\\", "/").replace(
        '"', "'"
    )
    return (
        f"{question} The workflow learns it from past rows, measures how well the model predicts, "
        "and puts it behind an endpoint."
    )


def data_file(draft: Draft) -> str:
    """Where the data is copied to; the jobs read files named .csv or .txt."""
    path = draft.options.csv
    suffix = path.suffix if path.suffix.lower() in (".csv", ".txt") else ".csv"
    stem = path.stem.lstrip(".").encode()[:LONGEST_STEM].decode(errors="ignore")  # hidden files are not data
    return f"data/{draft.options.name}/{stem or 'data'}{suffix}"


def raw_format(draft: Draft) -> list[str]:
    """Arguments of RawFormat that differ from its defaults; none for a file that is canonical as it is."""
    arguments = {
        "header=False": not draft.layout.header,
        f"separator={literal(draft.layout.separator)}": draft.layout.separator != ",",
        "strip=True": draft.scan.padded,
        f"missing={tuple_of(draft.missing, 'missing=', 8)}": bool(draft.missing),
    }
    return [argument for argument, differs in arguments.items() if differs]


def tuple_of(texts: Iterable[str], prefix: str, indent: int) -> str:
    """A tuple of texts in Python: on one line where it fits, else one text per line.

    :param prefix: what stands before it on its line.
    :param indent: of that line.
    """
    parts = [literal(text) for text in texts]
    line = f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
    if indent + len(prefix) + len(line) + 1 <= LINE:
        return line
    inner = "".join(f"{' ' * (indent + 4)}{part},\n" for part in parts)
    return f"(\n{inner}{' ' * indent})"


def literal(text: str) -> str:
    """A text in Python, with the quotes that need fewer escapes; double quotes where both are equal."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    body = "".join(letter if letter in "'\"" else repr(letter)[1:-1] for letter in text)
    return f"{quote}{body.replace(quote, chr(92) + quote)}{quote}"


def cell(text: str) -> str:
    """A text in a cell of a Markdown table, as code."""
    return f"`{text.replace('|', chr(92) + '|').replace('`', chr(39))}`" if text else ""
