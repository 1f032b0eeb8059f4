"""What drift means for retraining, and when a challenger replaces the champion: pure functions, no AWS.

What is decided carries its reason in words: people read it in the log, in the question for an approval and in
`decision.json`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from include.use_cases.definition import DriftPolicy, PromotionPolicy

Verdict = Literal["ok", "watch", "drift", "not enough data", "unreadable"]
NO_EVIDENCE = ("not enough data", "unreadable")
WEEK = timedelta(days=7)
SIDES = ("champion", "challenger")


class BadEvent(ValueError):
    """A drift event that does not say which use case has drifted."""


@dataclass(frozen=True)
class Decision:
    """Yes or no, and why."""

    yes: bool
    why: str


@dataclass(frozen=True)
class Window:
    """What the monitor said about the traffic from `start` to `end`, against one baseline."""

    start: datetime
    end: datetime
    verdict: Verdict
    baseline: str


def confirm(windows: Iterable[Window], policy: DriftPolicy) -> Decision:
    """Whether the newest window completes a confirmed drift: N drifted ones of the last M.

    Windows with too few rows, or unreadable ones, are left out; so are those of another baseline than the
    newest one's, and those that overlap a newer one: the same traffic is one piece of evidence, however often
    it is looked at.
    """
    newest_first = sorted(windows, key=lambda window: (window.end, window.start), reverse=True)
    if not newest_first:
        return Decision(False, "no window was measured")
    newest = newest_first[0]
    if newest.verdict != "drift":
        return Decision(False, f"the newest window is: {newest.verdict}")
    counted: list[Window] = []
    for window in newest_first:
        apart = not counted or window.end <= counted[-1].start
        if apart and window.baseline == newest.baseline and window.verdict not in NO_EVIDENCE:
            counted.append(window)
    last = counted[: policy.of_windows]
    drifted = sum(window.verdict == "drift" for window in last)
    reason = f"{drifted} of the last {len(last)} windows drifted, {policy.drifted_windows} confirm a drift"
    return Decision(drifted >= policy.drifted_windows, reason)


@dataclass(frozen=True)
class Retraining:
    """An earlier retraining: when it was decided, and whether a model was trained."""

    moment: datetime
    trained: bool


def retrainings_remembered(policy: DriftPolicy) -> timedelta:
    """How far back earlier retrainings matter to `may_retrain`."""
    return max(WEEK, timedelta(hours=policy.cool_down_hours))


def windows_remembered(policy: DriftPolicy, length: timedelta) -> timedelta:
    """How far back windows matter to `confirm`: four weeks, or twice the windows that it counts.

    What drifted longer ago is no evidence about the traffic of today.

    :param length: of the newest window.
    """
    return max(4 * WEEK, 2 * policy.of_windows * length)


def may_retrain(
    cause: Literal["drift", "schedule", "manual"],
    earlier: Sequence[Retraining],
    now: datetime,
    policy: DriftPolicy,
) -> Decision:
    """Whether a retraining starts. A person's wish is not limited; the clock and drift are."""
    trained = sorted(retraining.moment for retraining in earlier if retraining.trained)
    if cause == "manual":
        return Decision(True, "asked for by a person")
    this_week = [moment for moment in trained if now - moment < WEEK]
    if len(this_week) >= policy.most_per_week:
        reason = f"{len(this_week)} retrainings in seven days, at most {policy.most_per_week} are allowed"
        return Decision(False, reason)
    cool_down = timedelta(hours=policy.cool_down_hours)
    if cause == "drift" and trained and now - trained[-1] < cool_down:
        hours = (now - trained[-1]).total_seconds() / 3600
        reason = (
            f"the last retraining was {hours:.1f} hours ago, cool-down is {policy.cool_down_hours:g} hours"
        )
        return Decision(False, reason)
    return Decision(True, "drift was confirmed" if cause == "drift" else "it is time")


def promote(comparison: Mapping[str, Any], policy: PromotionPolicy) -> Decision:
    """Whether the challenger takes over.

    A number that is missing, or is none, is a no.

    :param comparison: `champion` and `challenger`, metrics by name on the same rows; `better_share`, the
        share of bootstrap samples in which the challenger is better in `policy.metric`.
    """
    challenger, champion = comparison["challenger"], comparison["champion"]
    if unusable := _unusable(comparison, policy):
        return Decision(False, f"not comparable: {', '.join(unusable)}")
    low = [(name, least) for name, least in policy.gates.items() if challenger[name] < least]
    if low:
        reason = ", ".join(f"{name} {challenger[name]:.4f} < {least:g}" for name, least in low)
        return Decision(False, f"below the gate: {reason}")
    gain = challenger[policy.metric] - champion[policy.metric]
    reason = f"{policy.metric} {champion[policy.metric]:.4f} → {challenger[policy.metric]:.4f} ({gain:+.4f})"
    if gain < policy.least_gain:
        return Decision(False, f"{reason}, a gain of {policy.least_gain:g} is asked for")
    if comparison["better_share"] < policy.certainty:
        share = (
            f"better in {comparison['better_share']:.0%} of the samples, {policy.certainty:.0%} are asked for"
        )
        return Decision(False, f"{reason}, {share}")
    losses = {name: champion[name] - challenger[name] for name in policy.most_loss}
    worse = [f"{name} {-loss:+.4f}" for name, loss in losses.items() if loss > policy.most_loss[name]]
    if worse:
        return Decision(False, f"{reason}, but {', '.join(worse)}")
    return Decision(True, reason)


def _unusable(comparison: Mapping[str, Any], policy: PromotionPolicy) -> list[str]:
    """The numbers that decide and are missing, or no finite numbers: no comparison holds for these."""
    names = (policy.metric, *policy.gates, *policy.most_loss)
    numbers = {f"{side} {name}": comparison[side].get(name) for side in SIDES for name in names}
    numbers["better_share"] = comparison.get("better_share")
    return [f"{name} is {number}" for name, number in numbers.items() if not _is_finite(number)]


def _is_finite(number: Any) -> bool:
    return isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)


@dataclass(frozen=True)
class Cause:
    """Why a retraining was asked for."""

    use_case: str
    kind: Literal["drift", "schedule", "manual"]
    report: Mapping[str, Any]


def read_event(asset: str, extra: Mapping[str, Any]) -> Cause:
    """The cause that a drift event carries, in each of the three shapes that Airflow knows.

    A task's outlet gives its own dictionary, the REST API adds `from_rest_api`, a watcher wraps it:
    `{"from_trigger": true, "payload": {...}}`.

    :param asset: name of the asset, `drift/<use case>`.
    :raises BadEvent: when asset and content name different use cases, or none.
    """
    content = extra.get("payload", {}) if extra.get("from_trigger") else extra
    if not isinstance(content, dict):
        raise BadEvent(f"event of {asset}: the payload is {type(content).__name__}, expected an object")
    named, content_name = asset.partition("/")[2], content.get("use_case")
    if not named or (content_name is not None and content_name != named):
        raise BadEvent(f"event of {asset}: its content is about {content_name!r}")
    report = {name: value for name, value in content.items() if name != "from_rest_api"}
    return Cause(named, "drift", report)
