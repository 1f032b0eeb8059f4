"""From the columns, the predictions and the quality of a window to one verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from drift.columns import DRIFT, OK, WATCH, ColumnDrift, Thresholds, compare_column
from drift.profile import CategoryColumn
from drift.rates import Rate, RateDrift, compare_rates
from job import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from drift.profile import Profile

NOT_ENOUGH = "not enough data"
UNREADABLE = "unreadable"  # more was left out than used
BANDS = (OK, WATCH, DRIFT)
USED = 0.01  # a column of less weight than that is not worth a warning
NEWS = 0.05  # share of new values from which they are named
NAMED = 5  # columns that the reason names


@dataclass(frozen=True)
class Rules:
    """What counts as drift."""

    minimum_rows: int = 200
    thresholds: Thresholds = field(default_factory=Thresholds)
    columns: Mapping[str, Thresholds] = field(default_factory=dict)  # for columns that have their own
    drift_share: float = 0.1  # weight of drifted columns from which the window has drifted
    rate_factor: float = 1.5

    def of(self, column: str) -> Thresholds:
        return self.columns.get(column, self.thresholds)


def parse_overrides(texts: Iterable[str], common: Thresholds) -> dict[str, Thresholds]:
    """Thresholds of single columns from `NAME:drift=0.3` and `NAME:watch=0.05`.

    :raises DataError: naming the text that is none of these.
    """
    thresholds: dict[str, Thresholds] = {}
    for text in texts:
        name, _, setting = text.rpartition(":")
        word, _, value = setting.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not name or word not in (WATCH, DRIFT) or not number > 0:
            raise DataError(f"--column {text!r}: expected NAME:watch=NUMBER or NAME:drift=NUMBER")
        before = thresholds.get(name, common)
        thresholds[name] = (
            Thresholds(number, before.drift) if word == WATCH else Thresholds(before.watch, number)
        )
    return thresholds


@dataclass(frozen=True)
class Predictions:
    """How the model's answers changed: the distribution of the score, and the share of positives.

    :param rate: None where the model answers scores without labels.
    """

    score: ColumnDrift
    rate: RateDrift | None
    positive_rate: float | None
    baseline_positive_rate: float

    @property
    def rate_band(self) -> str:
        return self.rate.band if self.rate else OK

    @property
    def band(self) -> str:
        return worst(self.score.band, self.rate_band)

    def to_json(self) -> dict[str, Any]:
        return {
            **self.score.to_json(),
            "positive_rate": self.positive_rate,
            "baseline_positive_rate": self.baseline_positive_rate,
            "rate_ratio": self.rate.ratio if self.rate else None,
            "rate_p_value": self.rate.p_value if self.rate else None,
            "score_band": self.score.band,
            "rate_band": self.rate_band,
            "band": self.band,
        }


@dataclass(frozen=True)
class Verdict:
    """What the window is: ok, watch, drift, not enough data or unreadable."""

    band: str
    reason: str  # one sentence that names the columns
    share: float  # weight of the drifted columns
    columns: list[ColumnDrift]  # drifted ones first, then by weight
    predictions: Predictions | None


def worst(*bands: str) -> str:
    return max(bands, key=BANDS.index)


def judge(
    baseline: Profile, window: Profile, weights: Mapping[str, float], rules: Rules
) -> tuple[list[ColumnDrift], float]:
    """Compare all columns: the drifted and most important ones first, and the weight of the drifted ones.

    A column of the window without any row is left out.
    """
    drifts = [
        compare_column(name, baseline.columns[name], column, weights.get(name, 0.0), rules.of(name))
        for name, column in window.columns.items()
        if column.rows
    ]
    drifts.sort(key=lambda column: (-BANDS.index(column.band), -column.weight, column.name))
    return drifts, sum(column.weight for column in drifts if column.band == DRIFT)


def judge_predictions(baseline: Profile, window: Profile, positive: str, rules: Rules) -> Predictions | None:
    """Compare predictions (columns predicted and score); None where the window has too few."""
    if window.columns["score"].rows < rules.minimum_rows:
        return None
    before, after = (_rate(profile, positive) for profile in (baseline, window))
    labelled = before.rows and after.rows
    rate = compare_rates(before, after, rules.rate_factor) if labelled else None
    score = compare_column(
        "score", baseline.columns["score"], window.columns["score"], 1.0, rules.of("score")
    )
    return Predictions(score, rate, after.share if labelled else None, before.share)


def _rate(predictions: Profile, positive: str) -> Rate:
    labels = predictions.columns["predicted"]
    assert isinstance(labels, CategoryColumn)  # noqa: S101 — it is made so
    return Rate(labels.counts.get(positive, 0), labels.present)


def decide(
    rows: int,
    judged: tuple[list[ColumnDrift], float],
    predictions: Predictions | None,
    quality_band: str | None,
    rules: Rules,
    not_measured: Iterable[str] = (),
) -> Verdict:
    """One band and one sentence.

    :param rows: of inputs; where they are too few, the predictions and the quality decide.
    :param quality_band: None where the quality is not judged.
    :param not_measured: what the verdict does not know, in words.
    """
    columns, share = judged
    if rows < rules.minimum_rows and predictions is None and quality_band is None:
        reason = f"{rows:,} rows in the window, {rules.minimum_rows:,} are needed to tell drift from chance."
        return Verdict(NOT_ENOUGH, reason, 0.0, [], None)
    inputs = DRIFT if columns and share >= rules.drift_share else _watched(columns)
    band = worst(inputs, predictions.band if predictions else OK, quality_band or OK)
    of_columns = [_inputs(columns, share)] if columns else []
    of_answers = [*_answers(predictions), *_quality(quality_band)]
    reasons = [*of_columns, *of_answers] or ["nothing that was measured moved"]
    if all(column.band == OK for column in columns):
        reasons = [*of_answers, *of_columns] or reasons  # what moved stands first
    if omissions := ", ".join(not_measured):
        reasons.append(f"not measured: {omissions}")
    return Verdict(band, "; ".join(reasons) + ".", share, columns, predictions)


def _watched(columns: list[ColumnDrift]) -> str:
    moved = any(column.band != OK and column.weight >= USED for column in columns)
    return WATCH if moved else OK


def _inputs(columns: list[ColumnDrift], share: float) -> str:
    drifted = [column for column in columns if column.band == DRIFT]
    watched = [column for column in columns if column.band == WATCH]
    if drifted:
        return f"{_named(drifted)} drifted, together {share:.1%} of what the model goes by"
    if watched:
        return f"{_named(watched)} moved, but no column drifted"
    nearest = max(columns, key=lambda column: column.effect)
    return f"no column drifted, the nearest to it is {_named([nearest])}"


def _named(columns: list[ColumnDrift]) -> str:
    names = ", ".join(f"{column.name} ({_decisive(column)})" for column in columns[:NAMED])
    unnamed = len(columns) - NAMED
    return f"{names} and {unnamed} more" if unnamed > 0 else names


def _decisive(column: ColumnDrift) -> str:
    """The distance that the band goes by."""
    if column.wasserstein is not None and column.effect > column.psi:
        return f"Wasserstein {column.wasserstein:.2f}"
    new = f", {column.unknown_share:.0%} new values" if column.unknown_share > NEWS else ""
    return f"PSI {column.psi:.2f}{new}"


def _answers(predictions: Predictions | None) -> list[str]:
    if predictions is None or predictions.band == OK:
        return []
    reasons = []
    if predictions.rate_band != OK:
        reasons.append(
            f"positive predictions went from {predictions.baseline_positive_rate:.2%} "
            f"to {predictions.positive_rate:.2%}"
        )
    if predictions.score.band != OK:
        reasons.append(f"the scores moved (PSI {predictions.score.psi:.2f})")
    return reasons


def _quality(band: str | None) -> list[str]:
    words = {WATCH: "the model's quality is below its constraints, which may be chance"}
    words[DRIFT] = "the model's quality is below its constraints"
    return [words[band]] if band and band in words else []
