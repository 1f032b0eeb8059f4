"""Distances against other implementations and known values, and what sampling does to them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from drift import distances as distances
from drift.bins import category_bins, novelty_bins, number_bins
from drift.columns import Thresholds, compare_column
from drift.profile import CategoryColumn, NumberColumn
from drift.rates import Rate, compare_rates


def numbers(values: np.ndarray, like: NumberColumn | None = None) -> NumberColumn:
    column = like.empty() if like else NumberColumn()
    column.update(values)
    return column


def texts(counts: dict[str, int], like: CategoryColumn | None = None) -> CategoryColumn:
    column = like.empty() if like else CategoryColumn()
    column.update(np.repeat(np.array(list(counts), dtype=object), list(counts.values())))
    return column


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(11)
    return random.gamma(2.0, 3.0, 20_000), random.gamma(2.5, 3.0, 10_000)


def test_wasserstein_and_greatest_gap_are_those_of_scipy(pair: tuple[np.ndarray, np.ndarray]) -> None:
    before = numbers(pair[0])
    drift = compare_column("n", before, numbers(pair[1], before), 1.0, Thresholds())
    assert drift.wasserstein == pytest.approx(stats.wasserstein_distance(*pair) / pair[0].std(), rel=0.01)
    assert drift.l_infinity == pytest.approx(stats.ks_2samp(*pair).statistic, abs=0.005)


def test_js_distance_is_that_of_scipy() -> None:
    p, q = np.array([5.0, 1.0, 4.0, 0.0]), np.array([1.0, 3.0, 0.0, 6.0])
    assert distances.js_distance(p, q) == pytest.approx(jensenshannon(p, q, base=2))
    assert distances.js_distance(p, p) == 0.0
    assert distances.js_distance(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(1.0)


def test_psi_of_shifted_normals_is_the_squared_shift() -> None:
    """Jeffreys' divergence of two normals of equal variance."""
    random = np.random.default_rng(5)
    before = numbers(random.normal(10, 2, 400_000))
    for shift in (0.25, 0.5, 1.0):
        after = numbers(random.normal(10 + 2 * shift, 2, 400_000), before)
        drift = compare_column("n", before, after, 1.0, Thresholds())
        assert drift.psi == pytest.approx(shift**2, rel=0.06)  # bins lose a little
        assert drift.wasserstein == pytest.approx(shift, abs=0.01)


def test_without_drift_psi_has_the_mean_and_the_tail_that_are_taken_off() -> None:
    """B. Yurdakul, J. Naranjo 2020: (1/n + 1/m) χ² of bins - 1 degrees of freedom."""
    random = np.random.default_rng(6)
    shares = np.full(20, 1 / 20)
    indices = []
    for _ in range(2000):
        before, after = (random.multinomial(n, shares).astype(float) for n in (2333, 1000))
        sampling = distances.Sampling.of(before, after)
        indices.append(distances.psi(before, after))
    assert np.mean(indices) == pytest.approx(sampling.bias, rel=0.05)
    assert np.mean(np.array(indices) - sampling.bias > sampling.noise) <= 0.004
    assert np.mean([sampling.p_value(index) < 0.05 for index in indices]) == pytest.approx(0.05, abs=0.015)


def test_greatest_gap_exceeds_its_noise_once_in_a_thousand() -> None:
    random = np.random.default_rng(8)
    above = 0
    for _ in range(2000):
        before, after = (np.bincount(random.integers(0, 500, n), minlength=500) for n in (900, 400))
        above += distances.greatest_gap(before, after) > distances.greatest_gap_noise(before, after)
    assert above <= 8


def test_a_value_that_is_most_of_a_column_has_a_bin_of_its_own() -> None:
    """Voice mail messages: 72 % zeros; one where there was none is another bin."""
    random = np.random.default_rng(9)
    before = numbers(np.concatenate([np.zeros(720), random.normal(30, 5, 280)]))
    after = numbers(np.concatenate([np.full(720, 0.1), random.normal(30, 5, 280)]), before)
    bins = number_bins(before, after)
    assert bins[0].max() == 720
    assert bins[1][bins[0].argmax()] == 0
    assert compare_column("n", before, after, 1.0, Thresholds()).band == "drift"


def test_bins_hold_equal_shares_and_small_windows_have_fewer() -> None:
    random = np.random.default_rng(10)
    before = numbers(random.lognormal(0, 2, 50_000))
    many = number_bins(before, numbers(random.lognormal(0, 2, 50_000), before))
    few = number_bins(before, numbers(random.lognormal(0, 2, 60), before))
    assert (len(many[0]), len(few[0])) == (20, 6)
    assert many[0] / 50_000 == pytest.approx(np.full(20, 0.05), abs=0.01)


def test_a_column_that_was_constant_and_is_not_any_more_drifted() -> None:
    before = numbers(np.full(1000, 7.0))
    same, other = numbers(np.full(500, 7.0), before), numbers(np.full(500, 8.0), before)
    drift = compare_column("n", before, same, 1.0, Thresholds())
    assert (drift.psi, drift.wasserstein, drift.band) == (0.0, None, "ok")
    assert compare_column("n", before, other, 1.0, Thresholds()).band == "drift"


def test_values_that_are_missing_now_are_drift() -> None:
    random = np.random.default_rng(12)
    before = numbers(random.normal(0, 1, 2000))
    after = numbers(np.where(random.random(1000) < 0.3, np.nan, random.normal(0, 1, 1000)), before)
    drift = compare_column("n", before, after, 1.0, Thresholds())
    assert drift.band == "drift"
    assert drift.missing_share == pytest.approx(0.3, abs=0.05)
    gone = compare_column("n", before, numbers(np.full(500, np.nan), before), 1.0, Thresholds())
    assert (gone.band, gone.wasserstein, gone.missing_share) == ("drift", None, 1.0)


def test_one_wild_value_does_not_decide() -> None:
    random = np.random.default_rng(13)
    before = numbers(random.normal(0, 1, 5000))
    values = random.normal(0, 1, 1000)
    values[0] = 1e12
    assert compare_column("n", before, numbers(values, before), 1.0, Thresholds()).band == "ok"


def test_values_far_beyond_the_outer_bin_are_seen_by_wasserstein() -> None:
    """PSI alone takes the greatest twentieth times five for no change at all."""
    random = np.random.default_rng(14)
    values = random.exponential(1, 20_000)
    before = numbers(values)
    far = np.where(values > np.quantile(values, 0.951), values * 5, values)
    drift = compare_column("n", before, numbers(far, before), 1.0, Thresholds())
    assert drift.psi < 0.01
    assert drift.band == "drift"


def test_rare_categories_share_buckets_and_new_ones_are_a_class() -> None:
    before = texts({"a": 900, "b": 60, "c": 30, "d": 10})
    after = texts({"a": 70, "b": 10, "d": 5, "new": 15}, before)
    bins = category_bins(before, after)  # at 100 rows c and d stand for less than five
    assert bins[0].tolist() == [900, 60, 40]
    assert bins[1].tolist() == [70, 10, 20]
    assert novelty_bins(before, after)[1].tolist() == [15, 85]
    drift = compare_column("c", before, after, 1.0, Thresholds())
    assert (drift.unknown_share, drift.band) == (0.15, "drift")


def test_the_baseline_says_how_many_new_values_to_expect() -> None:
    """Each row is looked at from the others: `once` would be new, `twice` would have been seen once."""
    before = texts({"often": 7, "twice": 2, "once": 1, "single": 1})
    after = texts({"often": 5, "once": 2, "new": 3}, before)
    expected, counted = novelty_bins(before, after)
    assert expected.tolist() == [2, 9]  # new; and known, in one class at so few rows
    assert counted.tolist() == [3, 7]


@pytest.mark.parametrize("way", ["float32", "decimal text"])
@pytest.mark.parametrize("heavy", [9.99, 0.1, 1 / 3, 6.0, 1e-7, 123456.78])
@pytest.mark.parametrize("share", [0.6, 0.2])
def test_the_last_digit_of_a_heavy_value_is_no_drift(heavy: float, share: float, way: str) -> None:
    """A float32 of 9.99 is 9.989999771: the same price, on its way through another system."""
    random = np.random.default_rng(16)

    def draw(rows: int) -> np.ndarray:
        others = heavy * random.lognormal(0, 0.5, rows)
        return np.where(random.random(rows) < share, heavy, others)

    before, window = numbers(draw(5000)), draw(1000)
    if way == "float32":
        window = window.astype(np.float32).astype(float)
    else:
        window = np.array([float(f"{value:.7g}") for value in window])
    drift = compare_column("price", before, numbers(window, before), 1.0, Thresholds())
    assert drift.band == "ok", drift


@pytest.mark.parametrize("residue", [5.6e-17, 1e-12, -1e-10])
def test_what_is_left_of_a_zero_is_no_drift(residue: float) -> None:
    """0.1 + 0.2 - 0.3 is 5.6e-17; and one wild value does not make everything equal."""
    random = np.random.default_rng(18)
    values = np.where(random.random(5000) < 0.6, 0.0, random.normal(10, 3, 5000))
    values[7] = 1e12
    before = numbers(values)
    after = numbers(np.where(values[:1000] == 0, residue, values[:1000]), before)
    assert compare_column("gain", before, after, 1.0, Thresholds()).band == "ok"
    moved = numbers(np.where(values[:1000] == 0, 0.0, values[:1000] + 3), before)
    assert compare_column("gain", before, moved, 1.0, Thresholds()).band == "drift"


def test_scores_that_are_one_bit_off_are_no_drift() -> None:
    """A tree model has few scores; another machine adds them up in another order."""
    random = np.random.default_rng(17)
    scores = random.choice(random.random(12), 5000)
    before, after = numbers(scores), np.nextafter(scores[:1000].astype(np.float32), np.float32(1.0))
    assert compare_column("score", before, numbers(after, before), 1.0, Thresholds()).band == "ok"


def test_a_constant_column_is_the_same_constant_in_float32() -> None:
    before = numbers(np.full(1000, 9.99))
    after = numbers(np.full(500, 9.99, dtype=np.float32), before)
    assert compare_column("price", before, after, 1.0, Thresholds()).band == "ok"
    other = numbers(np.full(500, 10.99), before)
    assert compare_column("price", before, other, 1.0, Thresholds()).band == "drift"


def test_where_new_categories_are_to_be_expected_they_count_with_the_rare_ones() -> None:
    """Names of streets: a third of the rows have one that no other row has, in any sample."""
    random = np.random.default_rng(15)

    def draw(rows: int, like: CategoryColumn | None = None) -> CategoryColumn:
        ids = np.where(
            random.random(rows) < 0.33, random.integers(0, 10**9, rows), random.integers(0, 20, rows)
        )
        column = like.empty() if like else CategoryColumn()
        column.update(ids.astype(str).astype(object))
        return column

    before = draw(3000)
    assert compare_column("c", before, draw(1000, before), 1.0, Thresholds()).band == "ok"


def test_a_band_needs_threshold_and_noise_to_be_exceeded() -> None:
    usual = Thresholds()
    assert [usual.band(effect, 0.01) for effect in (0.1, 0.11, 0.2, 0.21)] == [
        "ok",
        "watch",
        "watch",
        "drift",
    ]
    assert [usual.band(0.21, noise) for noise in (0.2, 0.22)] == ["drift", "ok"]
    assert Thresholds(drift=0.05).band(0.06, 0.01) == "drift"  # lower than the one of watching


def test_numbers_are_not_compared_with_categories() -> None:
    with pytest.raises(TypeError, match="column 'x' is a number on one side and a category on the other"):
        compare_column("x", numbers(np.ones(3)), texts({"a": 3}), 1.0, Thresholds())


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (Rate(180, 20_000), Rate(180, 10_000), "drift"),  # 0.9 % → 1.8 %
        (Rate(180, 20_000), Rate(45, 10_000), "drift"),  # halved
        (Rate(1800, 200_000), Rate(1200, 100_000), "watch"),  # a third more
        (Rate(180, 20_000), Rate(120, 10_000), "ok"),  # a third more, which may be chance
        (Rate(180, 20_000), Rate(95, 10_000), "ok"),
        (Rate(180, 20_000), Rate(4, 200), "ok"),  # doubled, but of 200 rows
        (Rate(0, 300), Rate(0, 300), "ok"),
        (Rate(0, 3000), Rate(40, 3000), "drift"),
    ],
)
def test_rates_leave_their_range_by_more_than_chance(before: Rate, after: Rate, expected: str) -> None:
    assert compare_rates(before, after, 1.5).band == expected
