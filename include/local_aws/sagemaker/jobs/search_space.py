"""Which hyperparameters a tuning job tries: its ranges as a study of optuna.

A continuous range scaled `ReverseLogarithmic` is searched as 1 - x on a logarithmic scale, as SageMaker does
for values near 1. `Auto` means logarithmic where a range spans two powers of ten above zero.
"""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING, Any

import optuna

from include.local_aws.protocol.errors import ValidationException
from include.local_aws.sagemaker import checks

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial, Trial

optuna.logging.set_verbosity(optuna.logging.WARNING)

WIDE = 100  # high / low of a range that Auto searches on a logarithmic scale
MOST_PARAMETERS = 30
MOST_VALUES = 30  # of a categorical range
MEMBERS = ("IntegerParameterRanges", "ContinuousParameterRanges", "CategoricalParameterRanges")


class SearchSpace:
    """The ranges of a tuning job, and which values to try next.

    space = SearchSpace(config["ParameterRanges"], "Bayesian", maximize=True, seed=7)
    trial, values = space.ask()                 # {"eta": "0.2"}: hyperparameters are text
    space.tell(trial, 0.93)                     # None for a training job that failed

    :raises ValidationException: naming the range that is wrong or not supported.
    """

    def __init__(self, ranges: dict[str, Any], strategy: str, *, maximize: bool, seed: int | None) -> None:
        self._reversed: set[str] = set()
        self._distributions: dict[str, BaseDistribution] = {}
        for member in MEMBERS:
            for entry in ranges.get(member, []):
                self._distributions[entry["Name"]] = self._distribution(member, entry)
        self._check(ranges, strategy)
        self._study = optuna.create_study(
            direction="maximize" if maximize else "minimize", sampler=self._sampler(strategy, seed)
        )
        if strategy == "Grid":
            for values in product(*self._choices().values()):
                self._study.enqueue_trial(dict(zip(self._distributions, values, strict=True)))

    @property
    def size(self) -> int:
        """How many combinations a grid has."""
        return math.prod(len(values) for values in self._choices().values())

    def _choices(self) -> dict[str, Any]:
        return {
            name: distribution.choices
            for name, distribution in self._distributions.items()
            if isinstance(distribution, optuna.distributions.CategoricalDistribution)
        }

    def ask(self) -> tuple[Trial, dict[str, str]]:
        """The next combination, as the hyperparameters of a training job."""
        trial = self._study.ask(self._distributions)
        return trial, {name: self._text(name, value) for name, value in trial.params.items()}

    def tell(self, trial: Trial, value: float | None) -> FrozenTrial:
        """Record the objective of a trial; None for a training job without one."""
        state = optuna.trial.TrialState.FAIL if value is None else optuna.trial.TrialState.COMPLETE
        return self._study.tell(trial, value, state=state)

    def _sampler(self, strategy: str, seed: int | None) -> optuna.samplers.BaseSampler:
        if strategy in ("Random", "Grid"):
            return optuna.samplers.RandomSampler(seed=seed)
        # running jobs count as poor ones, so that parallel jobs do not try equal values
        return optuna.samplers.TPESampler(seed=seed, constant_liar=True, multivariate=True)

    def _distribution(self, member: str, entry: dict[str, Any]) -> BaseDistribution:
        if member == MEMBERS[2]:
            checks.unique(entry["Values"], f"ParameterRanges.{entry['Name']}.Values")
            return optuna.distributions.CategoricalDistribution(entry["Values"])
        scaling = entry.get("ScalingType", "Auto")
        number = int if member == MEMBERS[0] else float
        try:
            low, high = number(entry["MinValue"]), number(entry["MaxValue"])
        except ValueError as error:
            raise _wrong(entry, f"{error}") from error
        if not (math.isfinite(low) and math.isfinite(high)):
            raise _wrong(entry, f"MinValue {low} and MaxValue {high} have to be finite")
        if low > high:
            raise _wrong(entry, f"MinValue {low} is greater than MaxValue {high}")
        if scaling == "ReverseLogarithmic":
            if number is int or not 0 <= low <= high < 1:
                raise _wrong(entry, "ReverseLogarithmic is for continuous ranges in 0 <= x < 1")
            self._reversed.add(entry["Name"])
            return optuna.distributions.FloatDistribution(1 - high, 1 - low, log=True)
        if scaling == "Logarithmic" and low <= 0:
            raise _wrong(entry, "Logarithmic is for values above 0")
        log = scaling == "Logarithmic" or (scaling == "Auto" and low > 0 and high / low >= WIDE)
        if number is int:
            return optuna.distributions.IntDistribution(int(low), int(high), log=log)
        return optuna.distributions.FloatDistribution(low, high, log=log)

    def _text(self, name: str, value: Any) -> str:
        return str(1 - value if name in self._reversed else value)

    def _check(self, ranges: dict[str, Any], strategy: str) -> None:
        checks.unique((entry["Name"] for m in MEMBERS for entry in ranges.get(m, [])), "ParameterRanges")
        count = len(self._distributions)
        if not 0 < count <= MOST_PARAMETERS:
            raise ValidationException(
                f"ParameterRanges must name 1 to {MOST_PARAMETERS} hyperparameters, not {count}."
            )
        if ranges.get("AutoParameters"):
            raise ValidationException("ParameterRanges.AutoParameters is not supported locally.")
        for entry in ranges.get(MEMBERS[2], []):
            if len(entry["Values"]) > MOST_VALUES:
                raise _wrong(entry, f"{len(entry['Values'])} values, {MOST_VALUES} are allowed")
        if strategy == "Grid" and (ranges.get(MEMBERS[0]) or ranges.get(MEMBERS[1])):
            raise ValidationException("Strategy Grid supports categorical ranges only.")


def _wrong(entry: dict[str, Any], why: str) -> ValidationException:
    return ValidationException(f"ParameterRanges {entry['Name']!r}: {why}.")
