"""Processing job: the rows on which champion and challenger are compared.

They are the challenger's test rows, without those that one of them learned from (traffic may repeat a
customer, under another number): neither model knows them.

Reads `input/candidates/test.csv` and, in two folders `input/learned_by_...`, `train.csv` (raw rows with label
and header). Writes, below `output/holdout`: `rows/rows.csv` (no label, no header: for the transforms) and
`labelled/test.csv`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from job import FOLDER, DataError, arguments, run, staged
from tabular import Schema, add_table_arguments, read_file, typed

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

LEARNED = ("learned_by_champion", "learned_by_challenger")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job and return its exit code."""
    options = parse(argv)
    return run(lambda: hold_out(options), options.message)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = arguments("Rows that neither champion nor challenger learned from.")
    add_table_arguments(parser)
    parser.add_argument("--minimum-rows", type=int, default=50, help="with fewer nothing can be compared")
    parser.add_argument("--candidates", type=Path, default=FOLDER / "input/candidates/test.csv")
    parser.add_argument(
        "--learned", nargs=2, type=Path, default=[FOLDER / "input" / name / "train.csv" for name in LEARNED]
    )
    parser.add_argument("--output", type=Path, default=FOLDER / "output/holdout")
    return parser.parse_args(argv)


def hold_out(options: argparse.Namespace) -> None:
    """Read, leave out, write.

    :raises DataError: when too few rows are left, or only one label; nothing is written then.
    """
    schema = Schema.parse(options.columns, options.labels)
    candidates = read_file(options.candidates, schema)
    rows = candidates
    for path in options.learned:
        rows = unknown_to(rows, read_file(path, schema), schema)
    summary = f"{len(rows)} of {len(candidates)} test rows are new to champion and challenger"
    if len(rows) < options.minimum_rows or rows[schema.label].nunique() < 2:
        raise DataError(f"{summary}: too few, or of one label only, to compare two models")
    with staged(options.output) as folder:
        for place in ("rows", "labelled"):
            (folder / place).mkdir()
        rows[schema.inputs].to_csv(folder / "rows/rows.csv", index=False, header=False, lineterminator="\n")
        rows.to_csv(folder / "labelled/test.csv", index=False, lineterminator="\n")
    print(summary)


def unknown_to(candidates: pd.DataFrame, learned: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """The candidates of which no equal row was learned from.

    Rows are equal as the models see them: in the columns to learn from, not in those that are ignored or in
    the label; in numbers of 32 bits, so that 9.99 and 9.989999771 are the same price.
    """
    learned_hashes = set(fingerprints(learned, schema))
    return candidates[~fingerprints(candidates, schema).isin(learned_hashes)]


def fingerprints(rows: pd.DataFrame, schema: Schema) -> pd.Series:
    """A hash of what a model sees of each row, shape (rows,)."""
    inputs = typed(rows, schema)
    return pd.util.hash_pandas_object(
        inputs.astype(dict.fromkeys(schema.named("number"), np.float32)), index=False
    )


if __name__ == "__main__":
    sys.exit(main())
