"""DAG params that every SageMaker workflow offers in the trigger form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Param

if TYPE_CHECKING:
    from include.use_cases.definition import UseCase

INSTANCES = ["ml.t3.medium", "ml.m5.large", "ml.m5.xlarge", "ml.m5.2xlarge", "ml.m5.4xlarge"]


def workflow_params(use_case: UseCase) -> dict[str, Any]:
    """Data, split, deployment, hyperparameters and instance types, with the use case's values as defaults."""
    return {
        "data_uri": own_data("data"),
        "split_seed": Param(
            use_case.split_seed, type="integer", minimum=0, title="Seed of the train/validation/test split"
        ),
        "deploy": Param(
            True, type="boolean", title="Deploy", description="Create or update the endpoint and verify it."
        ),
        **{name: _hyperparameter(value) for name, value in use_case.hyperparameters.items()},
        **{f"{step}_instance_type": _instance_type(use_case.instance_type) for step in STEPS},
    }


STEPS = ("processing", "training", "transform", "endpoint")


def hyperparameter_templates(use_case: UseCase) -> dict[str, str]:
    """The training job's hyperparameters, each as chosen in the trigger form."""
    return {name: f"{{{{ params.{name} }}}}" for name in use_case.hyperparameters}


def own_data(what: str) -> Param:
    """A field for a user's own file; without "null" the trigger form would not accept an empty one."""
    return Param(
        None,
        type=["null", "string"],
        pattern="^(s3://[^/]+/.+)?$",
        title=f"Your own {what}",
        description="S3 URI of a CSV file. Empty: the sample data is put into your bucket.",
    )


def _hyperparameter(value: str) -> Param:
    number = _number(value)
    kind = {int: "integer", float: "number"}.get(type(number), "string")
    return Param(value if number is None else number, type=kind, section="Hyperparameters")


def _number(value: str) -> int | float | None:
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return None


def _instance_type(default: str) -> Param:
    return Param(default, type="string", pattern=r"^ml\.", examples=INSTANCES, section="Instances")
