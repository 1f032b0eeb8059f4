"""How often the drift check is wrong: false alarms, and shifts that it misses."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from drift.columns import DRIFT
from drift.profile import Profile
from drift.rates import Rate, compare_rates
from drift.verdict import Rules, decide, judge
from tests.include.jobs.traffic import SCHEMA

if TYPE_CHECKING:
    from tests.include.conftest import Prepared

pytestmark = pytest.mark.numbers

WINDOWS = 200
ADULT = Path(os.environ.get("ML_DATASETS_DIR", "/nonexistent")) / "adult/adult.data"
RULES = Rules(minimum_rows=50)  # lower than usual: it is the distances that are to be right, not the gate


@dataclass(frozen=True)
class Table:
    """Columns of a data set as the profile counts them."""

    columns: dict[str, Any]  # float arrays, or pandas Categoricals

    @classmethod
    def of(cls, frame: pd.DataFrame, numbers: list[str], categories: list[str]) -> Table:
        columns: dict[str, Any] = {name: frame[name].to_numpy(dtype=float) for name in numbers}
        return cls({**columns, **{name: pd.Categorical(frame[name]) for name in categories}})

    @property
    def rows(self) -> int:
        return len(next(iter(self.columns.values())))

    def take(self, rows: np.ndarray) -> Table:
        return Table({name: column[rows] for name, column in self.columns.items()})

    def profile(self) -> Profile:
        kinds = {
            name: "number" if isinstance(column, np.ndarray) else "category"
            for name, column in self.columns.items()
        }
        profile = Profile.of(kinds)
        profile.update(self.columns)
        return profile

    def shifted(self, name: str, deviations: float) -> Table:
        moved = self.columns[name] + deviations * self.columns[name].std()
        return Table({**self.columns, name: moved})


def band(baseline: Profile, window: Table, weights: dict[str, float]) -> str:
    counted = baseline.empty()
    counted.update(window.columns)
    return decide(window.rows, judge(baseline, counted, weights, RULES), None, None, RULES).band


def sizes(random: np.random.Generator, low: int, high: int) -> list[int]:
    """As many small windows as large ones: log-uniform."""
    return [int(n) for n in np.exp(random.uniform(np.log(low), np.log(high), WINDOWS))]


@pytest.fixture(scope="module")
def churn(prepared: Prepared) -> Table:
    rows = pd.read_csv(prepared.folder / "training_rows/train.csv", dtype=dict.fromkeys(SCHEMA.names, str))
    return Table.of(rows, SCHEMA.named("number"), SCHEMA.named("category"))


@pytest.fixture(scope="module")
def weights(churn_baseline: Path) -> dict[str, float]:
    importance: dict[str, float] = json.loads((churn_baseline / "importance.json").read_text())
    return importance


def test_churn_windows_without_drift_are_none_and_shifted_ones_are(
    churn: Table, weights: dict[str, float]
) -> None:
    random, baseline = np.random.default_rng(2026), churn.profile()
    plain = sizes(random, 50, 50_000)
    shifted = sizes(random, 1_000, 50_000)
    moved = churn.shifted("Day Mins", 0.5)
    alarms = sum(
        band(baseline, churn.take(random.integers(0, churn.rows, n)), weights) == DRIFT for n in plain
    )
    detected = sum(
        band(baseline, moved.take(random.integers(0, churn.rows, n)), weights) == DRIFT for n in shifted
    )
    print(
        f"\nchurn: {alarms / WINDOWS:.1%} of windows without drift, {detected / WINDOWS:.1%} of shifted ones"
    )
    assert alarms / WINDOWS < 0.01
    assert detected / WINDOWS > 0.95


def other_people(random: np.random.Generator, rows: int = 32_000) -> pd.DataFrame:
    """Other kinds of columns than churn's: heaped ages, mostly zeros, long tails, a category of 40 values."""
    names = 1.0 / np.arange(1, 41)
    return pd.DataFrame(
        {
            "age": np.round(random.gamma(9, 4.3, rows) + 16),
            "income": np.exp(random.normal(10, 0.8, rows)),
            "gain": np.where(random.random(rows) < 0.08, random.exponential(9_000, rows).round(), 0.0),
            "hours": np.where(random.random(rows) < 0.47, 40.0, random.normal(40, 12, rows).round()),
            "occupation": random.choice([f"job {n}" for n in range(40)], rows, p=names / names.sum()),
            "sex": random.choice(["f", "m"], rows, p=[0.33, 0.67]),
        }
    )


def unseen() -> dict[str, pd.DataFrame]:
    """Data sets that no threshold was chosen on: generated people, and census income where it is there."""
    frames = {"generated": other_people(np.random.default_rng(11))}
    if ADULT.is_file():
        frames["adult"] = pd.read_csv(ADULT, header=None, skipinitialspace=True).sample(
            frac=1, random_state=5
        )
    return frames


UNSEEN = unseen()


@pytest.mark.parametrize("name", UNSEEN)
def test_rows_that_the_baseline_has_not_seen(name: str) -> None:
    """Windows are drawn from the other half of the rows."""
    frame = UNSEEN[name]
    numbers = [column for column in frame if frame[column].dtype.kind in "if"]
    table = Table.of(frame, numbers, [column for column in frame if column not in numbers])
    half = table.rows // 2
    baseline, rest = table.take(np.arange(half)).profile(), table.take(np.arange(half, table.rows))
    even = dict.fromkeys(table.columns, 1 / len(table.columns))
    random = np.random.default_rng(7)
    alarms = sum(
        band(baseline, rest.take(random.choice(rest.rows, n, replace=False)), even) == DRIFT
        for n in sizes(random, 50, rest.rows)
    )
    detected = {
        column: sum(
            band(baseline, rest.shifted(column, 0.5).take(random.integers(0, rest.rows, 1000)), {column: 1.0})
            == DRIFT
            for _ in range(20)
        )
        for column in numbers
    }
    print(f"\n{name}: {alarms / WINDOWS:.1%} of windows without drift; of 20 shifted ones each: {detected}")
    assert alarms / WINDOWS < 0.01
    assert min(detected.values()) >= 19


def test_a_doubled_rate_of_a_rare_label_is_drift_and_noise_is_not() -> None:
    """0.9 % positives, as in fraud; the baseline is 20,000 rows, windows are 2,000 to 20,000."""
    random = np.random.default_rng(3)
    baseline = Rate(180, 20_000)
    alarms = detected = 0
    for n in sizes(random, 200, 20_000):
        alarms += compare_rates(baseline, Rate(int(random.binomial(n, 0.009)), n), 1.5).band == DRIFT
    for n in sizes(random, 5_000, 20_000):
        detected += compare_rates(baseline, Rate(int(random.binomial(n, 0.018)), n), 1.5).band == DRIFT
    print(
        f"\nrate: {alarms / WINDOWS:.1%} of windows without drift, {detected / WINDOWS:.1%} of doubled ones"
    )
    assert alarms / WINDOWS < 0.01
    assert detected / WINDOWS > 0.95


SEEDS = range(500)


def codes(count: int, slope: float = 1.0) -> np.ndarray:
    """Shares of `count` categories, a few frequent ones and many rare ones (Zipf's law)."""
    shares = 1.0 / np.arange(1, count + 1) ** slope
    return np.asarray(shares / shares.sum())


def drawn(shares: np.ndarray, rows: int, random: np.random.Generator, word: str = "code") -> pd.Categorical:
    names = [f"{word} {number}" for number in range(len(shares))]
    return pd.Categorical.from_codes(random.choice(len(shares), rows, p=shares).astype(np.int32), names)


def of_codes(baseline: pd.Categorical, window: pd.Categorical) -> str:
    before = Table({"code": baseline}).profile()
    return band(before, Table({"code": window}), {"code": 0.11})


@pytest.mark.parametrize("rows", [200, 5_000])
@pytest.mark.parametrize("count", [20, 1_200])
def test_windows_of_codes_without_drift_are_none(count: int, rows: int) -> None:
    alarms = 0
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        shares = codes(count, random.uniform(0.0, 1.2))
        size = int(np.exp(random.uniform(np.log(1_000), np.log(50_000))))
        alarms += of_codes(drawn(shares, size, random), drawn(shares, rows, random)) == DRIFT
    print(f"\n{count} codes, {rows} rows: {alarms / len(SEEDS):.1%} of windows without drift")
    assert alarms / len(SEEDS) <= 0.01


@pytest.mark.parametrize("rows", [200, 5_000])
@pytest.mark.parametrize("count", [20, 1_200])
@pytest.mark.parametrize("size", [1_000, 50_000])
@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_planted_cases_of_codes_are_drift(count: int, rows: int, size: int, slope: float) -> None:
    """All codes new, a third of the rows new ones, all rows one code, a third of the rows one rare code.

    Where all codes are equally frequent (slope 0), none of 1,200 is frequent enough to be missed by itself.
    """
    random = np.random.default_rng(2026)
    shares = codes(count, slope)
    rare = np.where(shares < np.median(shares), shares, 0.0)
    baseline, usual = drawn(shares, size, random), drawn(shares, rows, random).astype(object)
    third = np.arange(rows) < rows / 3
    planted = {
        "all new": drawn(shares, rows, random, "new"),
        "a third new": pd.Categorical(np.where(third, "new 7", usual)),
        "one known code": pd.Categorical(["code 3"] * rows),
        "one new code": pd.Categorical(["new 3"] * rows),
        "a third one rare code": pd.Categorical(np.where(third, f"code {count - 1}", usual)),
        **({"rare ones only": drawn(rare / rare.sum(), rows, random)} if slope else {}),
    }
    missed = [name for name, window in planted.items() if of_codes(baseline, window) != DRIFT]
    assert missed == []
