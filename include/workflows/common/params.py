"""DAG params that several workflows offer in the trigger form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Param

from include.workflows.common.errors import WorkflowError

if TYPE_CHECKING:
    from include.use_cases.definition import RecommendationUseCase, UseCase

INSTANCES = ["ml.t3.medium", "ml.m5.large", "ml.m5.xlarge", "ml.m5.2xlarge", "ml.m5.4xlarge"]
STEPS = ("processing", "training", "transform", "endpoint")


def classifier_params(case: UseCase) -> dict[str, Any]:
    """Data, split, deployment, gates, hyperparameters, instances; the use case's values are the defaults.

    :raises WorkflowError: when a hyperparameter has the name of another param.
    """
    params = {
        "data_uri": own_data("data"),
        **{f"{join.dataset}_uri": own_data(join.dataset) for join in case.raw.joins},
        "split_seed": split_seed(case),
        "deploy": Param(
            True, type="boolean", title="Deploy", description="Create or update the endpoint and verify it."
        ),
        "teardown": TEARDOWN,
        **{f"gate_{metric}": _gate(metric, least) for metric, least in case.gates.items()},
        **step_instances(case),
    }
    if clashes := sorted(set(params) & set(case.hyperparameters)):
        raise WorkflowError(f"{case.name}: a hyperparameter cannot be called {', '.join(clashes)}")
    return {**params, **hyperparameters(case)}


def hyperparameters(case: UseCase) -> dict[str, Any]:
    """A field for each hyperparameter, with the use case's value."""
    return {name: _hyperparameter(value) for name, value in case.hyperparameters.items()}


def step_instances(case: UseCase) -> dict[str, Any]:
    """A field for the instances of each kind of job of a classifier."""
    return {f"{step}_instance_type": instance_type(case.instance_type) for step in STEPS}


def split_seed(case: UseCase | RecommendationUseCase) -> Param:
    """A field for the seed of the split."""
    return Param(case.split_seed, type="integer", minimum=0, title="Seed of the split")


TEARDOWN = Param(
    False, type="boolean", title="Delete everything at the end", description="The data in the bucket stays."
)


def hyperparameter_templates(case: UseCase) -> dict[str, str]:
    """The training job's hyperparameters, each as chosen in the trigger form."""
    return {name: f"{{{{ params.{name} }}}}" for name in case.hyperparameters}


def gates_template(case: UseCase) -> str:
    """JSON: least value by metric, each as chosen in the trigger form."""
    values = ", ".join(f'"{metric}": {{{{ params.gate_{metric} }}}}' for metric in case.gates)
    return f"{{{values}}}"


def own_data(table: str) -> Param:
    """A field for a user's own file; without "null" the trigger form would not accept an empty one."""
    return Param(
        None,
        type=["null", "string"],
        pattern="^(s3://[^/]+/.+)?$",
        maxLength=1024,
        title=f"Your own {table}",
        description="S3 URI of a CSV file, or of a folder (a slash at its end). Empty: the sample data.",
    )


def instance_type(default: str) -> Param:
    """A field for the instances of a kind of job."""
    return Param(default, type="string", pattern=r"^ml\.", examples=INSTANCES, section="Instances")


def _gate(metric: str, least: float) -> Param:
    description = "A model that reaches less on the test rows is not deployed."
    return Param(
        least,
        type="number",
        minimum=0,
        maximum=1,
        title=f"Least {metric}",
        description=description,
        section="Gates",
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
