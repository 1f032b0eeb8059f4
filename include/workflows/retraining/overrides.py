"""What a person may change in a challenger's training: seed, instances and hyperparameters.

All else is the loop's to decide: which data, and that nothing is deployed before gate and approval.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow.sdk import Param
from airflow.sdk.exceptions import ParamValidationError

from include.use_cases.definition import UseCase
from include.workflows.common.errors import WrongOverride
from include.workflows.common.params import hyperparameters, instance_type, split_seed, step_instances

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from include.use_cases.definition import RecommendationUseCase

    Case = UseCase | RecommendationUseCase


def allowed_overrides(case: Case) -> dict[str, Param]:
    """The params of a use case's DAG that a retraining may set."""
    seed = {"split_seed": split_seed(case)}
    if isinstance(case, UseCase):
        return {**seed, **step_instances(case), **hyperparameters(case)}
    return {**seed, "processing_instance_type": instance_type(case.instance_type)}


def overrides_param(cases: Iterable[Case]) -> Param:
    """The param `overrides`: what any of the use cases allows; the form refuses everything else."""
    schemas: dict[str, list[dict[str, Any]]] = {}
    for case in cases:
        for name, param in allowed_overrides(case).items():
            alternatives = schemas.setdefault(name, [])
            if param.schema not in alternatives:
                alternatives.append(param.schema)
    return Param(
        {},
        type="object",
        properties={name: {"anyOf": alternatives} for name, alternatives in schemas.items()},
        additionalProperties=False,
        title="Params of the use case's DAG",
        description="Hyperparameters, instances, the seed; each chosen use case has to have them.",
    )


def checked_overrides(case: Case, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The overrides, each of which the use case's DAG would take.

    :raises WrongOverride: naming those that the use case does not allow, or the first value that its DAG
        would refuse.
    """
    allowed = allowed_overrides(case)
    if wrong := sorted(set(overrides) - set(allowed)):
        raise WrongOverride(
            f"{case.name}: a retraining does not set {', '.join(wrong)}, only {', '.join(sorted(allowed))}."
        )
    for name, value in overrides.items():
        try:
            json.dumps(value, allow_nan=False)
            allowed[name].resolve(value)
        except (ParamValidationError, ValueError) as error:
            raise WrongOverride(f"{case.name}: {name} cannot be {value!r}: {error}") from error
    return dict(overrides)
