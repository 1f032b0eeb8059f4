"""Statistics and constraints of a table in the formats of SageMaker Model Monitor.

Amazon SageMaker developer guide: "Schema for statistics (statistics.json file)", "Schema for constraints
(constraints.json file)". Counts of buckets are exact up to the grid of `drift.profile`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from drift.profile import NumberColumn

if TYPE_CHECKING:
    from drift.profile import CategoryColumn, Column, Profile

Document = dict[str, Any]

BUCKETS = 10
SKETCH_SIZE = 256  # k of the KLL sketch: the greatest number of items on its top level
MAX_DOMAIN = 100  # a column of more distinct values has no closed domain
MAX_VALUES = 1000  # buckets of a column of text, the most frequent ones
ENABLED = "Enabled"


def statistics(rows: int, *profiles: Profile) -> Document:
    """The content of `statistics.json`."""
    features = [
        {"name": name, "inferred_type": inferred_type(column), **_statistics(column)}
        for profile in profiles
        for name, column in profile.columns.items()
    ]
    return {"version": 0.0, "dataset": {"item_count": rows}, "features": features}


def inferred_type(column: Column) -> str:
    """Integral, Fractional or String; Unknown when no value is there."""
    if not column.present:
        return "Unknown"
    if isinstance(column, NumberColumn):
        return "Integral" if column.integral else "Fractional"
    return "String"


def _statistics(column: Column) -> Document:
    common = {"common": {"num_present": column.present, "num_missing": column.missing}}
    if isinstance(column, NumberColumn):
        return {"numerical_statistics": {**common, **(_numbers(column) if column.present else {})}}
    return {"string_statistics": {**common, **_texts(column)}}


def _numbers(column: NumberColumn) -> Document:
    return {
        "mean": column.mean,
        "sum": column.mean * column.present,
        "std_dev": column.deviation,
        "min": column.minimum,
        "max": column.maximum,
        "distribution": {"kll": {"buckets": buckets(column), "sketch": sketch(column)}},
    }


def buckets(column: NumberColumn) -> list[Document]:
    """Ten buckets of equal width from the least to the greatest value."""
    cells, counts = column.ordinals
    edges = np.linspace(column.minimum, column.maximum, BUCKETS + 1)
    held, _ = np.histogram(column.values(cells), edges, weights=counts)
    return [
        {"lower_bound": float(low), "upper_bound": float(high), "count": float(count)}
        for low, high, count in zip(edges, edges[1:], held, strict=False)
    ]


def sketch(column: NumberColumn) -> Document:
    """A KLL sketch of the column: items of level h stand for 2^h rows each (Karnin, Lang, Liberty, 2016).

    It is made from the finished counts, so its items are evenly spaced in rank: as exact as a KLL sketch
    can be.
    """
    cells, counts = column.ordinals
    levels: list[list[float]] = []
    items = _ranks(column.values(cells), counts)
    weight = max(int(np.ceil(np.log2(max(column.present / SKETCH_SIZE, 1)))), 0)
    rest = column.present
    for level in range(weight, -1, -1):
        number = rest >> level
        first, rest = column.present - rest, rest - (number << level)
        levels.insert(0, [items(first + (n << level) + (1 << level) // 2) for n in range(number)])
    return {"parameters": {"c": 0.64, "k": float(SKETCH_SIZE)}, "data": levels}


def _ranks(values: np.ndarray, counts: np.ndarray) -> Any:
    """The value of a rank, 0 for the least."""
    ends = np.cumsum(counts)
    return lambda rank: float(values[np.searchsorted(ends, rank, side="right")])


def _texts(column: CategoryColumn) -> Document:
    ordered = sorted(column.counts.items(), key=lambda pair: (-pair[1], pair[0]))
    held = [{"value": value, "count": count} for value, count in ordered[:MAX_VALUES] if count]
    distinct = sum(count > 0 for _, count in ordered)
    return {"distinct_count": float(distinct), "distribution": {"categorical": {"buckets": held}}}


def constraints(*profiles: Profile) -> Document:
    """The content of `constraints.json`, as Model Monitor suggests it from a baseline."""
    features = [_constraint(name, column) for profile in profiles for name, column in profile.columns.items()]
    comparison = {
        "perform_comparison": ENABLED,
        "comparison_threshold": 0.1,
        "comparison_method": "Robust",
        "categorical_comparison_threshold": 0.1,
        "categorical_drift_method": "LInfinity",
    }
    config = {
        "evaluate_constraints": ENABLED,
        "emit_metrics": ENABLED,
        "datatype_check_threshold": 1.0,
        "domain_content_threshold": 1.0,
        "distribution_constraints": comparison,
    }
    return {"version": 0.0, "features": features, "monitoring_config": config}


def _constraint(name: str, column: Column) -> Document:
    constraint: Document = {
        "name": name,
        "inferred_type": inferred_type(column),
        "completeness": column.present / column.rows if column.rows else 1.0,
    }
    if isinstance(column, NumberColumn):
        constraint["num_constraints"] = {"is_non_negative": column.minimum >= 0}
    elif _closed(column):
        constraint["string_constraints"] = {"domains": sorted(column.counts)}
    return constraint


def _closed(column: CategoryColumn) -> bool:
    """Whether a baseline shows all values that a column can have: few, and none of them seen only once."""
    return 0 < len(column.counts) <= MAX_DOMAIN and not column.other and 1 not in column.counts.values()
