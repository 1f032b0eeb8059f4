"""The sample as data frames: text for the recipe, typed columns for the search for ids and leaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from scripts.new_use_case.columns import Kind
    from scripts.new_use_case.scanning import Scan


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
        name: pd.to_numeric(chosen[name]).astype(float) if kind == "number" else chosen[name]
        for name, kind in kinds.items()
        if kind in ("number", "category")
    }
    return pd.DataFrame(columns)
