"""The page of the operators: complete, and its example DAGs run."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from airflow.dag_processing.dagbag import DagBag

from aws_ml.base import JobTask
from aws_ml.operators import sagemaker as operators
from aws_ml.operators import sagemaker_endpoints, sagemaker_registry
from aws_ml.sensors import sagemaker as sensors
from scripts import local_settings as local
from tests.airflow_home import run_dag
from tests.local_aws.sagemaker.hosting import tiny_model
from tests.plugins.lifecycle.small_jobs import sagemaker, unique

if TYPE_CHECKING:
    from types import ModuleType

FOLDER = local.PROJECT / "docs/operators"
PAGE = (FOLDER / "README.md").read_text()
EXAMPLES = sorted((FOLDER / "examples").glob("*.py"))


def classes(module: ModuleType) -> list[type]:
    return [
        member
        for name, member in vars(module).items()
        if name.startswith("SageMaker") and inspect.isclass(member) and member.__module__ == module.__name__
    ]


CLASSES = [
    task_class
    for module in (operators, sensors, sagemaker_endpoints, sagemaker_registry)
    for task_class in classes(module)
]


def own_parameters(task_class: type) -> set[str]:
    """Names of the parameters that this project adds."""
    bases = [base for base in task_class.__mro__ if base.__module__.startswith("aws_ml")]
    return {
        name
        for base in bases
        if "__init__" in vars(base)
        for name, parameter in inspect.signature(inspect.unwrap(vars(base)["__init__"])).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }


@pytest.mark.parametrize("task_class", CLASSES, ids=lambda task_class: task_class.__name__)
def test_every_operator_is_on_the_page_with_its_parameters(task_class: type) -> None:
    assert f"`{task_class.__name__}`" in PAGE
    assert inspect.getdoc(task_class)
    for name in own_parameters(task_class):
        assert f"`{name}`" in PAGE, name


def test_the_check_sees_parameters() -> None:
    assert {"stop_on_kill", "if_exists"} <= own_parameters(operators.SageMakerTrainingOperator)
    assert own_parameters(JobTask) == {"stop_on_kill"}


@pytest.mark.parametrize("task_class", CLASSES, ids=lambda task_class: task_class.__name__)
def test_every_operator_has_an_example(task_class: type) -> None:
    assert any(re.search(rf"\b{task_class.__name__}\(", path.read_text()) for path in EXAMPLES)


def test_every_example_is_on_the_page() -> None:
    assert EXAMPLES
    for path in EXAMPLES:
        assert f"(examples/{path.name})" in PAGE


# ---- they run


@pytest.fixture(scope="module")
def model(aws: str, database: None) -> str:
    """The data that the examples name, and a model: y = 2x."""
    s3 = boto3.client("s3")
    rows = "".join(f"{int(n % 10 > 4)},{n % 10},{n % 7}\n" for n in range(200))
    s3.put_object(Bucket=local.BUCKET, Key="examples/train/rows.csv", Body=rows.encode())
    s3.put_object(Bucket=local.BUCKET, Key="examples/rows/rows.csv", Body=b"1,2\n3,4\n")
    name = unique("example")
    container = tiny_model.container(s3, local.BUCKET, 2.0)
    sagemaker().create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=local.ROLE)
    return name


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_runs(path: Any, model: str) -> None:
    bag = DagBag(path)
    assert not bag.import_errors
    (dag,) = bag.dags.values()
    conf: dict[str, str] = {"model_name": model} if "model_name" in dag.params else {}
    dag_run = run_dag(dag, conf)
    states = {ti.task_id: ti.state for ti in dag_run.get_task_instances()}
    assert set(states.values()) == {"success"}, states
