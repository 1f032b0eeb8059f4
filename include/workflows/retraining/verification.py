"""Limits that the answers of a promoted model must keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.workflows.common.errors import VerificationFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.use_cases.definition import Promotion, PromotionPolicy


def check_errors(place: str, errors: Sequence[str], calls: int, promotion: Promotion) -> None:
    """Compare the share of failed calls with the policy.

    :raises VerificationFailed: when it is too large.
    """
    if len(errors) > promotion.most_errors * calls:
        raise VerificationFailed(f"{place}: {len(errors)} of {calls} calls failed: {errors[0]}")


def check_speed(
    place: str, times: Sequence[float], promotion: PromotionPolicy, slowest: float | None
) -> float:
    """The 99th percentile of answers' times, in milliseconds.

    :param slowest: the limit in milliseconds; None: as the policy says.
    :raises VerificationFailed: when it is above the limit.
    """
    limit = promotion.slowest_ms if slowest is None else slowest
    p99 = sorted(times)[int(0.99 * (len(times) - 1))]
    if p99 > limit:
        raise VerificationFailed(f"{place}: 99 % of the answers took {p99:.0f} ms, at most {limit:g}")
    return p99
