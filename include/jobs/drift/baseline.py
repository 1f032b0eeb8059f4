"""The baseline as the monitor reads it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drift.columns import Thresholds
from drift.profile import NumberColumn, Profile
from drift.violations import comparison_threshold, overrides
from job import DataError, strict_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from drift.profile import Column
    from tabular import Schema


@dataclass(frozen=True)
class Reference:
    """What `baseline.py` wrote."""

    inputs: Profile
    predictions: Profile
    constraints: Mapping[str, Any]
    weights: Mapping[str, float]
    quality: Mapping[str, Any]  # rows, positives, metrics
    quality_constraints: Mapping[str, Any]
    threshold: float | None  # a score above it is positive; None in baselines that do not know it

    @classmethod
    def read(cls, folder: Path, schema: Schema) -> Reference:
        """Read a baseline's folder.

        :raises DataError: when a file is missing or cannot be read, or the baseline has other columns.
        """
        profile = _load(folder / "profile.json")
        try:
            reference = cls(
                inputs=Profile.from_json(profile["columns"]),
                predictions=Profile.from_json(profile["predictions"]["columns"]),
                constraints=_load(folder / "constraints.json"),
                weights=_load(folder / "importance.json"),
                quality=profile["predictions"]["quality"],
                quality_constraints=_load(folder / "model_quality_constraints.json"),
                threshold=profile["predictions"].get("threshold"),
            )
        except (KeyError, TypeError, IndexError) as error:
            raise DataError(f"profile.json of the baseline cannot be used: {error!r}") from error
        reference.fits(schema)
        return reference

    def fits(self, schema: Schema) -> None:
        """Check that the baseline has the schema's columns.

        :raises DataError: naming those that differ.
        """
        baseline_kinds = {
            name: "number" if isinstance(c, NumberColumn) else "category"
            for name, c in self.inputs.columns.items()
        }
        schema_kinds = {name: kind for name, kind in schema.columns if kind in ("number", "category")}
        if baseline_kinds != schema_kinds:
            different = [
                name
                for name in {**schema_kinds, **baseline_kinds}
                if schema_kinds.get(name) != baseline_kinds.get(name)
            ]
            raise DataError(f"the baseline does not fit --columns: {', '.join(map(repr, different))} differ")

    @property
    def columns(self) -> dict[str, Column]:
        return {**self.inputs.columns, **self.predictions.columns}

    def overrides(self, common: Thresholds) -> dict[str, Thresholds]:
        """Thresholds of columns whose comparison threshold is overridden in `constraints.json`.

        It takes the place of the drift threshold; that of watching keeps its relation to it.
        """
        thresholds = {}
        for feature in self.constraints["features"]:
            if overrides(feature).get("distribution_constraints") and feature["name"] in self.columns:
                column = self.columns[feature["name"]]
                kind = "number" if isinstance(column, NumberColumn) else "category"
                limit = comparison_threshold(feature, self.constraints, kind)
                thresholds[feature["name"]] = Thresholds(common.watch / common.drift * limit, limit)
        return thresholds


def _load(path: Path) -> Any:
    """A JSON file of the baseline.

    :raises DataError: when there is none.
    """
    try:
        return strict_json(path.read_text())
    except (OSError, ValueError) as error:
        raise DataError(
            f"the baseline cannot be read: {path.name} is not in {path.parent}, or no JSON; "
            "run the use case's workflow once, it writes the baseline"
        ) from error
