"""The accumulator: what it counts, in which memory, and that a grid of any scale tells values apart."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from drift.profile import MAX_VALUES, CategoryColumn, NumberColumn, Profile

OFFSETS = {
    "usual": (180.0, 54.0),
    "tiny": (1e-12, 1e-13),
    "time stamps": (1.7e9, 3600.0),
    "huge": (-1e30, 1e29),
}


@pytest.mark.parametrize("case", OFFSETS)
def test_moments_are_those_of_the_values_at_any_scale(case: str) -> None:
    mean, deviation = OFFSETS[case]
    values = np.random.default_rng(1).normal(mean, deviation, 300_000)
    column = NumberColumn()
    for part in np.array_split(values, 7):
        column.update(part)
    assert (column.rows, column.present, column.missing) == (300_000, 300_000, 0)
    assert column.mean == pytest.approx(values.mean(), rel=1e-12)
    assert column.deviation == pytest.approx(values.std(), rel=1e-9)
    assert (column.minimum, column.maximum) == (values.min(), values.max())


@pytest.mark.parametrize("case", OFFSETS)
def test_quantiles_on_the_grid_are_within_a_hundredth_of_a_deviation(case: str) -> None:
    mean, deviation = OFFSETS[case]
    values = np.random.default_rng(2).normal(mean, deviation, 100_000)
    column = NumberColumn()
    column.update(values)
    cells, counts = column.ordinals
    places, ranks = column.values(cells, middle=True), np.cumsum(counts) / counts.sum()
    assert (np.diff(cells) > 0).all()
    assert (np.diff(places) >= 0).all()
    for quantile in (0.01, 0.25, 0.5, 0.75, 0.99):
        place = places[np.searchsorted(ranks, quantile)]
        assert abs(place - np.quantile(values, quantile)) < 0.02 * deviation


def test_small_whole_numbers_have_cells_of_their_own() -> None:
    column = NumberColumn()
    column.update(np.repeat(np.arange(-60, 61), 3))
    cells, counts = column.ordinals
    assert column.values(cells).tolist() == list(range(-60, 61))
    assert counts.tolist() == [3] * 121
    assert column.integral


def test_what_is_not_finite_is_missing() -> None:
    column = NumberColumn()
    column.update(np.array([1.0, np.nan, 2.0, np.inf, -np.inf, -np.nan, 1e300]))
    assert (column.rows, column.missing, column.present) == (7, 5, 2)
    assert (column.mean, column.maximum) == (1.5, 2.0)


def test_numbers_beyond_single_precision_are_counted() -> None:
    column = NumberColumn()
    column.update(np.array([1.0, 2.0, 3.0, 1e100, -1e100]))
    cells, counts = column.ordinals
    assert counts.tolist() == [1] * 5
    assert np.isfinite(column.deviation)
    assert (np.diff(column.values(cells)) >= 0).all()


def test_a_first_chunk_without_values_settles_nothing() -> None:
    column = NumberColumn()
    column.update(np.full(10, np.nan))
    column.update(np.array([5.0, 6.0, 7.0]))
    assert (column.centre, column.missing, column.mean) == (6.0, 10, 6.0)


@pytest.mark.parametrize("kind", [np.int64, np.float32, np.bool_])
def test_numbers_of_any_type_are_counted(kind: type) -> None:
    column = NumberColumn()
    column.update(np.array([0, 1, 1, 0, 1], dtype=kind))
    assert column.mean == pytest.approx(0.6)
    assert column.integral


def test_categories_are_counted_however_they_come() -> None:
    texts = np.array(["KS", "", None, "OH", "KS"], dtype=object)
    for values in (texts, pd.Categorical(texts), pd.array(texts, dtype="string")):
        column = CategoryColumn()
        column.update(values)
        assert (column.counts, column.missing, column.rows) == ({"KS": 2, "OH": 1}, 2, 5)


def test_distinct_values_beyond_the_limit_are_counted_together() -> None:
    column = CategoryColumn()
    column.update(np.array([f"id {n}" for n in range(MAX_VALUES + 50)], dtype=object))
    assert (len(column.counts), column.other, column.present) == (MAX_VALUES, 50, MAX_VALUES + 50)


def test_a_profile_survives_json() -> None:
    profile = Profile.of({"n": "number", "c": "category", "none": "number"})
    columns = {"n": np.array([1.5, -2.0, np.nan]), "c": np.array(["a", "b", "a"], dtype=object)}
    profile.update({**columns, "none": np.full(3, np.nan)})
    read = Profile.from_json(json.loads(json.dumps(profile.to_json(), allow_nan=False)))
    assert read.to_json() == profile.to_json()
    assert read.rows == 3
    from_json, from_rows = read.empty(), profile.empty()
    for again in (from_json, from_rows):
        again.update({**columns, "none": np.ones(3)})
    assert from_json.to_json() == from_rows.to_json()


def test_memory_does_not_grow_with_the_rows() -> None:
    """Ten and a hundred chunks of new numbers and of new categories."""
    peaks = []
    for chunks in (10, 100):
        profile = Profile.of({"n": "number", "c": "category"})
        random = np.random.default_rng(0)
        tracemalloc.start()
        for chunk in range(chunks):
            texts = np.array([f"{chunk} {n}" for n in range(2000)], dtype=object)
            profile.update({"n": random.normal(0, 10.0**chunk, 2000), "c": texts})
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]
