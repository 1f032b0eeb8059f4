"""What Model Monitor would report of a window: `constraint_violations.json`.

Amazon SageMaker developer guide, "Schema for violations (constraint_violations.json file)". Where the guide
leaves open how sampling is allowed for (its comparison method is called robust), a distance has to exceed its
noise level, too.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from drift.bins import unseen
from drift.distances import SIGMAS
from drift.model_monitor import ENABLED
from drift.profile import CategoryColumn, NumberColumn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from drift.columns import ColumnDrift
    from drift.profile import Column
    from drift.window import Misfits, Window

Violation = dict[str, str]

SHOWN = 5  # new values of a category that a description names


def check(
    limits: Mapping[str, Any], baseline: Mapping[str, Column], window: Window, drifts: Iterable[ColumnDrift]
) -> list[Violation]:
    """All violations of the constraints, in the order of the checks.

    :param limits: the content of `constraints.json`.
    :param baseline: the columns of the baseline, predictions included.
    """
    if _monitoring(limits).get("evaluate_constraints", ENABLED) != ENABLED:
        return []
    features = {feature["name"]: feature for feature in limits["features"]}
    columns = {**window.inputs.columns, **window.predictions.columns}
    violations = [*_shape(window.misfits, len(window.schema.inputs))]
    for name, column in columns.items():
        if name in features and column.rows:
            violations += _contents(features[name], limits, baseline[name], column, window)
    for drift in drifts:
        if drift.name in features:
            violations += _distance(features[drift.name], limits, drift)
    return violations


def _violation(name: str, check_type: str, description: str) -> Violation:
    return {"feature_name": name, "constraint_check_type": check_type, "description": description}


def _shape(misfits: Misfits, expected: int) -> Iterator[Violation]:
    for word, check_type, rows in (
        ("missing", "missing_column_check", misfits.lacking),
        ("extra", "extra_column_check", misfits.exceeding),
    ):
        for what, count in rows.items():
            if isinstance(what, str):
                name, detail = what, f"{count} rows have it" if word == "extra" else f"{count} rows lack it"
                yield _violation(name, check_type, f"There is a column {word} in current dataset: {detail}")
            else:
                yield _violation(
                    f"{word.capitalize()} columns",
                    check_type,
                    f"There are {word} columns in current dataset. "
                    f"Number of columns in current dataset: {what}, "
                    f"Number of columns in baseline constraints: {expected}. Rows: {count}",
                )


def _contents(
    feature: Mapping[str, Any], limits: Mapping[str, Any], baseline: Column, column: Column, window: Window
) -> Iterator[Violation]:
    """Types, completeness and domain of one column."""
    name = feature["name"]
    yield from _type(feature, limits, column, window.untyped.get(name, 0), window.examples.get(name, ""))
    complete, needed = column.present / column.rows, float(feature.get("completeness", 0.0))
    if needed - complete > SIGMAS * math.sqrt(needed * (1 - needed) / column.rows):
        yield _violation(
            name, "completeness_check", f"Completeness: {complete:.4g}, at least {needed:.4g} is required"
        )
    if isinstance(column, CategoryColumn) and isinstance(baseline, CategoryColumn):
        yield from _domain(feature, limits, column)


def _type(
    feature: Mapping[str, Any], limits: Mapping[str, Any], column: Column, wrong: int, example: str
) -> Iterator[Violation]:
    """Values of another type; whole numbers that become fractions are none (they are still numbers)."""
    if not isinstance(column, NumberColumn):
        return
    share = 1 - wrong / max(column.present + wrong, 1)
    needed = float(_override(feature, limits, "datatype_check_threshold", 1.0))
    if share < needed:
        yield _violation(
            feature["name"],
            "data_type_check",
            f"Data type match requirement is not met. Expected data type: {feature['inferred_type']}, "
            f"Expected match: {needed:.1%}. Observed: {share:.2%}; {example!r} for example",
        )
    if feature.get("num_constraints", {}).get("is_non_negative") and column.minimum < 0:
        description = f"Value: {column.minimum!r} does not meet the constraint requirement! "
        yield _violation(feature["name"], "data_type_check", description)


def _domain(
    feature: Mapping[str, Any], limits: Mapping[str, Any], column: CategoryColumn
) -> Iterator[Violation]:
    domain = feature.get("string_constraints", {}).get("domains")
    if domain is None or not column.present:
        return
    domain_column = CategoryColumn(dict.fromkeys(map(str, domain), 1))
    new = unseen(domain_column, column)
    needed = float(_override(feature, limits, "domain_content_threshold", 1.0))
    if 1 - new / column.present < needed:
        values = [
            value for value, count in column.counts.items() if count and value not in domain_column.counts
        ]
        examples = ", ".join(map(repr, values[:SHOWN])) + (", ..." if len(values) > SHOWN else "")
        yield _violation(
            feature["name"],
            "categorical_values_check",
            f"{new} values are not in the domain of the baseline: {examples}",
        )


def _distance(
    feature: Mapping[str, Any], limits: Mapping[str, Any], drift: ColumnDrift
) -> Iterator[Violation]:
    threshold = comparison_threshold(feature, limits, drift.kind)
    if drift.l_infinity > max(threshold, drift.l_infinity_noise):
        description = f"Baseline drift distance: {drift.l_infinity:.4g} exceeds threshold: {threshold:g}"
        yield _violation(drift.name, "baseline_drift_check", description)


def comparison_threshold(feature: Mapping[str, Any], limits: Mapping[str, Any], kind: str) -> float:
    """The L-infinity distance from which a column is violated; infinite where it is not to be compared."""
    settings = {
        **_monitoring(limits).get("distribution_constraints", {}),
        **overrides(feature).get("distribution_constraints", {}),
    }
    if settings.get("perform_comparison", ENABLED) != ENABLED:
        return math.inf
    word = "comparison_threshold" if kind == "number" else "categorical_comparison_threshold"
    return float(settings.get(word, 0.1))


def overrides(feature: Mapping[str, Any]) -> Mapping[str, Any]:
    """A feature's own settings: where the guide has them, or where files of the service have them."""
    inner = feature.get("string_constraints") or feature.get("num_constraints") or {}
    outer: Mapping[str, Any] = feature.get("monitoringConfigOverrides") or {}
    return outer or inner.get("monitoring_config_overrides") or {}


def _override(feature: Mapping[str, Any], limits: Mapping[str, Any], word: str, default: float) -> float:
    return float(overrides(feature).get(word, _monitoring(limits).get(word, default)))


def _monitoring(limits: Mapping[str, Any]) -> Mapping[str, Any]:
    config: Mapping[str, Any] = limits.get("monitoring_config", {})
    return config
