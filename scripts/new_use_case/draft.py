"""A use case before it is written: the journey from the options to all that the templates need."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.use_cases.definition import UseCase
from scripts.new_use_case import suspicion
from scripts.new_use_case.columns import kinds_of, labels_of, missing_texts
from scripts.new_use_case.errors import WrongInput
from scripts.new_use_case.reading import Layout, inspect
from scripts.new_use_case.recipe import HYPERPARAMETERS, MOST_CELLS, measure
from scripts.new_use_case.scanning import scan

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from include.use_cases.definition import Kind
    from scripts.new_use_case.options import Options
    from scripts.new_use_case.recipe import Measurement
    from scripts.new_use_case.scanning import Scan


@dataclass(frozen=True)
class Draft:
    """A use case that is checked and measured, and not written yet.

    :param labels: negative and positive.
    :param missing: texts that mean "no value" in columns of numbers.
    """

    options: Options
    layout: Layout
    scan: Scan
    kinds: dict[str, Kind]
    labels: tuple[str, str]
    missing: tuple[str, ...]
    measurement: Measurement


def draft(options: Options) -> Draft:
    """Read, check and measure.

    :raises WrongInput: for all that is wrong with the options or the data.
    """
    layout = inspect(options)
    table = scan(options.csv, layout)
    kinds, labels = kinds_of(table, options), labels_of(table, options)
    missing = missing_texts(table, kinds)
    frame = text_frame(table, kinds, missing)
    _check_columns(frame, kinds, labels[1], table.rows, options)
    try:
        measurement = measure(limited(frame, kinds), kinds, labels, HYPERPARAMETERS, UseCase.split_seed)
    except WrongInput as error:
        raise WrongInput(f"{options.csv.name}: {error}") from error
    return Draft(options, layout, table, kinds, labels, missing, measurement)


def _check_columns(
    frame: pd.DataFrame, kinds: dict[str, Kind], positive: str, rows: int, options: Options
) -> None:
    columns = typed_frame(frame, kinds, suspicion.LEAK_ROWS)
    labels = frame.loc[columns.index, options.label]
    suspicion.check(columns, kinds, (labels == positive).to_numpy(dtype=int), rows, options)


def text_frame(scan: Scan, kinds: dict[str, Kind], missing: tuple[str, ...]) -> pd.DataFrame:
    """The canonical table of the sample: rows × columns as text; a number that is missing is blank."""
    import pandas as pd

    frame = pd.DataFrame(scan.sample, columns=list(kinds), dtype=object)
    for name, kind in kinds.items():
        if kind == "number" and missing:
            frame[name] = frame[name].where(~frame[name].isin(missing), "")
    return frame


def typed_frame(frame: pd.DataFrame, kinds: dict[str, Kind], rows: int) -> pd.DataFrame:
    """Columns to learn from: numbers as float64, NaN where missing, categories as text.

    :param rows: at most so many, evenly over the frame and in its order.
    """
    import numpy as np
    import pandas as pd

    places = np.unique(np.linspace(0, len(frame) - 1, min(rows, len(frame))).astype(int))
    chosen = frame.iloc[places]
    columns = {
        name: _floats(chosen[name]) if kind == "number" else chosen[name]
        for name, kind in kinds.items()
        if kind in ("number", "category")
    }
    return pd.DataFrame(columns)


def _floats(texts: pd.Series) -> pd.Series:
    """Numbers as the job scripts read them."""
    return texts.map(lambda text: float(text) if text else math.nan).astype(float)


def measure_table(case: UseCase, path: Path) -> Measurement:
    """What the recipe of a use case reaches on a canonical table, measured as when the use case was made.

    :raises WrongInput: when a part of the rows lacks a label.
    """
    kinds = dict(case.columns)
    table = scan(path, Layout(",", True, tuple(kinds)))
    frame = limited(text_frame(table, kinds, ()), kinds)
    return measure(frame, kinds, case.labels, case.hyperparameters, case.split_seed)


def limited(frame: pd.DataFrame, kinds: dict[str, Kind]) -> pd.DataFrame:
    """At most so many rows that their features fit into this machine's memory."""
    categories = [name for name, kind in kinds.items() if kind == "category"]
    features = len(kinds) + sum(frame[name].nunique() for name in categories)
    most = max(MOST_CELLS // features, 1000)
    return frame if len(frame) <= most else frame.sample(most, random_state=UseCase.split_seed).sort_index()
