"""How much each raw column weighs in a model: exact SHAP values of a tree ensemble, summed by column."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xgboost

from drift.profile import CategoryColumn
from job import DataError, strict_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from drift.profile import Column

MODEL_FILE = "xgboost-model"
MAX_ROWS = 20_000  # the mean needs no more, and TreeSHAP is slow; the rows are shuffled


def column_weights(
    booster: xgboost.Booster, features: np.ndarray, owners: Sequence[str], columns: Sequence[str]
) -> dict[str, float]:
    """The mean of |SHAP value| of each column, as shares of their sum.

    A column's SHAP value in a row is the sum of those of its features (SHAP values add up: Lundberg, Lee,
    NIPS 2017); exact for trees: Lundberg et al., Nature Machine Intelligence 2, 2020.

    :param features: shape (rows, features).
    :param owners: the column that each feature was made of.
    :raises DataError: when the model uses none of the columns.
    """
    matrix = xgboost.DMatrix(features)
    values = booster.predict(matrix, pred_contribs=True, validate_features=False)[
        :, :-1
    ]  # the last is the bias
    members = [np.array([owner == column for owner in owners]) for column in columns]
    means = np.array([np.abs(values[:, member].sum(axis=1)).mean() for member in members])
    total = means.sum()
    if not total > 0:
        raise DataError("the model uses none of the columns: all its SHAP values are 0")
    return dict(zip(columns, (means / total).tolist(), strict=True))


def owners(features: Sequence[str], columns: Mapping[str, Column]) -> list[str]:
    """The raw column of each feature: `number__Day Mins` → Day Mins, `category__State_OH` → State.

    :raises DataError: naming the feature whose column is not known.
    """
    owning = []
    for feature in features:
        name = feature.partition("__")[2]
        matching = [column for column in columns if _made_of(name, column, columns[column])]
        if not matching:
            raise DataError(f"feature {feature!r} is made of none of {', '.join(map(repr, columns))}")
        owning.append(max(matching, key=len))
    return owning


def _made_of(feature: str, name: str, column: Column) -> bool:
    if not isinstance(column, CategoryColumn):
        return feature == name
    value = feature.removeprefix(f"{name}_")
    return value != feature and (value == "" or value in column.counts or bool(column.other))


def read_booster(archive: Path) -> xgboost.Booster:
    """The model in the built-in algorithm's `model.tar.gz`.

    :raises DataError: when the archive or the model in it cannot be read.
    """
    try:
        with tarfile.open(archive) as tar:
            member = next((entry for entry in tar.getmembers() if entry.name.endswith(MODEL_FILE)), None)
            file = tar.extractfile(member) if member else None
            if file is None:
                raise DataError(f"{archive.name} holds no file {MODEL_FILE}")
            return xgboost.Booster(model_file=bytearray(file.read()))
    except (OSError, tarfile.TarError, xgboost.core.XGBoostError) as error:
        raise DataError(f"{archive.name} is not a model of the built-in XGBoost: {error}") from error


def read_features(folder: Path, names: Sequence[str]) -> np.ndarray:
    """Features of rows that the model was validated on, without their label, shape (rows, features).

    :raises DataError: when there are none, or of another number.
    """
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise DataError(f"no CSV file in {folder}")
    table = pd.read_csv(files[0], header=None, nrows=MAX_ROWS).to_numpy(dtype=float)
    if table.shape[1] != len(names) + 1:
        raise DataError(
            f"{files[0].name} has {table.shape[1]} columns, expected the label and {len(names)} features"
        )
    return np.asarray(table[:, 1:])


def read_names(summary: Path) -> list[str]:
    """Names of the features in the preprocessing's `summary.json`.

    :raises DataError: when the file cannot be read, or has none.
    """
    try:
        return [str(name) for name in strict_json(summary.read_text())["features"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{summary.name} cannot be read: expected an object with a list 'features'"
        ) from error
