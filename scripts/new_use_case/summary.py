"""What is printed when a use case was made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.new_use_case.columns import remarks
from scripts.new_use_case.reading import SEPARATORS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scripts.new_use_case.draft import Draft
    from scripts.new_use_case.writing import Files

WIDEST = 40


def summarise(draft: Draft, files: Files) -> str:
    """The whole text."""
    paragraphs = (
        _data(draft),
        _columns(draft),
        _measured(draft),
        _look(draft),
        _written(files),
        _next(draft),
    )
    return "\n\n".join("\n".join(lines) for lines in paragraphs)


def _data(draft: Draft) -> list[str]:
    scan, layout = draft.scan, draft.layout
    counts = scan.columns[draft.options.label].values
    header = "a header line" if layout.header else "no header line"
    shape = f"{scan.rows:,} rows, {len(draft.kinds)} columns"
    layout_words = f"{SEPARATORS[layout.separator]}-separated, {header}"
    lines = [f"{visible(str(draft.options.csv))}: {shape}, {layout_words}."]
    for word, label in zip(("negative", "positive"), draft.labels, strict=True):
        share = counts[label] / scan.rows
        lines.append(f"  {draft.options.label} = {label} ({word}): {counts[label]:,} rows, {share:.1%}")
    if not scan.complete:
        lines.append(
            f"  Ids, leaks and the AUC below were measured on {len(scan.sample):,} rows chosen at random."
        )
    return lines


def _columns(draft: Draft) -> Iterator[str]:
    """The table of the columns: kind, different values, rows without a value, examples."""
    rows = [("column", "kind", "values", "missing", "most frequent")]
    for name, kind in draft.kinds.items():
        tally = draft.scan.columns[name]
        absent = tally.contents["blank"] + (tally.contents["missing"] if kind == "number" else 0)
        examples = ", ".join(visible(value) for value, _ in tally.values.most_common(3) if value)
        rows.append((name, kind, tally.distinct, f"{absent:,}", examples))
    return table(rows, right={2, 3})


def visible(text: str) -> str:
    """A text that cannot control the terminal."""
    return text if text.isprintable() else repr(text)


def table(rows: Sequence[Sequence[str]], right: set[int]) -> Iterator[str]:
    """Lines of a table, its columns as wide as their values.

    :param right: columns that are aligned at the right.
    """
    short = [[text if len(text) <= WIDEST else f"{text[: WIDEST - 3]}..." for text in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*short, strict=True)]
    for row in short:
        cells = [
            text.rjust(width) if n in right else text.ljust(width)
            for n, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield f"  {'  '.join(cells)}".rstrip()


def _measured(draft: Draft) -> list[str]:
    measurement, auc = draft.measurement, draft.measurement.auc
    others = f"training {auc['train']:.4f}, validation {auc['validation']:.4f}"
    gate = "There is no gate: the recipe is hardly better than guessing, and whatever it trains is deployed."
    if measurement.gate is not None:
        gate = f"The gate is {measurement.gate:.2f}: a model below it is not deployed."
    return [
        f"The plain recipe reaches an AUC of {auc['test']:.4f} on {measurement.rows['test']:,} test rows "
        f"({others}; {measurement.features} features).",
        gate,
    ]


def _look(draft: Draft) -> list[str]:
    options = draft.options
    lines = [f"Please look at these, in include/use_cases/{options.name}/use_case.py:"]
    if not options.positive:
        lines.append(
            f"  the positive label {draft.labels[1]!r} was guessed: it is the rarer one (POSITIVE=...)"
        )
    lines += [f"  {remark}" for remark in remarks(draft.scan, draft.kinds)]
    if draft.measurement.auc["test"] < 0.6:
        lines.append("  the recipe hardly learns anything: are the right columns there?")
    return lines if len(lines) > 1 else ["Nothing was guessed that needs a look."]


def _written(files: Files) -> list[str]:
    return [
        "Written:",
        *(f"  {name}" for name in (*files.texts, *files.copies)),
        "Changed:",
        "  include/use_cases/catalogue.py",
    ]


def _next(draft: Draft) -> list[str]:
    name = draft.options.name
    return [
        "Next:",
        "  make up            then trigger the DAG "
        f"{name} in the UI; it ends with the endpoint {name.replace('_', '-')}",
        f"  .venv/jobs/bin/python -m pytest tests/include/{name}",
        f"The copy in data/{name}/ stays on this machine (git ignores it).",
        f"On AWS, put the file into a bucket and trigger {name} with the param data_uri, its S3 URI.",
    ]
