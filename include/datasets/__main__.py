"""Sample data by hand: `python -m include.datasets churn --rows 100000 --seed 7 --out big.csv`."""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from include.datasets import DatasetError, fetch, generate
from include.datasets.catalogue import CATALOGUE, find
from include.datasets.fetching import DEFAULT_SEED, Dataset

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Fetch or generate a data set, print what it is, and return the exit code."""
    options = parse(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        dataset = obtain(options)
    except (DatasetError, OSError) as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    print(f"{dataset.path}: {dataset.rows or 0:,} rows, {dataset.description}, SHA-256 {dataset.sha256}")
    return 0


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options of the command line.

    :raises SystemExit: with status 2 when an option is unknown or has a wrong value.
    """
    parser = argparse.ArgumentParser(
        prog="python -m include.datasets",
        description="Sample data of a use case: generated with --rows; else from the folder ML_DATASETS_DIR, "
        "from its public source, or, without a network, generated.",
    )
    parser.add_argument("name", choices=sorted(CATALOGUE))
    parser.add_argument("--rows", type=_positive, help="generate this many rows")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="of generated rows (%(default)s)")
    parser.add_argument(
        "--out",
        type=Path,
        help="file to write (default: the data set's own file name, in the current folder)",
    )
    return parser.parse_args(argv)


def obtain(options: argparse.Namespace) -> Dataset:
    """The data set that the options name, written to `--out`.

    :raises DatasetError: when `ML_DATASETS_DIR` lacks the file.
    :raises OSError: when the target cannot be written.
    """
    target = options.out or Path(Path(find(options.name).file).name)
    if options.rows:
        return generate(options.name, target, rows=options.rows, seed=options.seed)
    dataset = fetch(options.name, target.parent)
    if dataset.path != target:
        shutil.copyfile(dataset.path, target)
    return dataset


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not positive")
    return value


if __name__ == "__main__":
    sys.exit(main())
