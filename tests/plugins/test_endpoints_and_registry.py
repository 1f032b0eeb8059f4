"""The operators that the provider lacks, in Airflow, against the local AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from aws_ml.operators import sagemaker_endpoints, sagemaker_registry
from scripts import local_settings as local
from tests.airflow_home import run_dag_of
from tests.local_aws.sagemaker.hosting import tiny_model
from tests.plugins.lifecycle.small_jobs import sagemaker, unique

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.usefixtures("aws", "database")


@pytest.fixture(scope="module")
def models(aws: str) -> list[str]:
    """Two models: y = 2x and y = 3x."""
    names = [unique("double"), unique("triple")]
    for name, factor in zip(names, (2.0, 3.0), strict=True):
        container = tiny_model.container(boto3.client("s3"), local.BUCKET, factor)
        sagemaker().create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=local.ROLE)
    return names


@pytest.fixture(scope="module")
def endpoint(models: list[str]) -> Iterator[str]:
    """An endpoint with both models, all traffic to the first."""
    name, (double, triple) = unique("ab"), models
    variants = [tiny_model.variant(double, "A", 1.0), tiny_model.variant(triple, "B", 0.0)]
    sagemaker().create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)
    sagemaker().create_endpoint(EndpointName=name, EndpointConfigName=name)
    tiny_model.settled(sagemaker(), name)
    yield name
    if exists(name):
        sagemaker().delete_endpoint(EndpointName=name)


def exists(name: str) -> bool:
    try:
        sagemaker().describe_endpoint(EndpointName=name)
    except ClientError:
        return False
    return True


def run(build: Callable[[], Any]) -> tuple[str | None, Any]:
    """State and result of a DAG of one task."""
    dag_run = run_dag_of(build)
    (instance,) = dag_run.get_task_instances()
    return instance.state, instance.xcom_pull(task_ids=instance.task_id)


def test_an_endpoint_is_called(endpoint: str) -> None:
    state, answer = run(
        lambda: sagemaker_endpoints.SageMakerInvokeEndpointOperator(
            task_id="call", endpoint_name=endpoint, body="21", expected="42.0"
        )
    )
    assert (state, answer["body"], answer["variant"]) == ("success", "42.0", "A")


@pytest.mark.parametrize(
    ("body", "options"),
    [("21", {"expected": "43"}), ("text", {}), ("21", {"target_variant": "nobody"})],
    ids=["another answer", "the model refuses", "no such variant"],
)
def test_a_call_that_is_not_answered_as_expected_fails(
    endpoint: str, body: str, options: dict[str, Any]
) -> None:
    state, _ = run(
        lambda: sagemaker_endpoints.SageMakerInvokeEndpointOperator(
            task_id="call", endpoint_name=endpoint, body=body, **options
        )
    )
    assert state == "failed"


@pytest.mark.parametrize("deferrable", [True, False])
def test_traffic_is_shifted_and_checked(endpoint: str, deferrable: bool) -> None:
    weights = {"A": 0.25, "B": 0.75} if deferrable else {"A": 0.0, "B": 1.0}
    state, description = run(
        lambda: sagemaker_endpoints.SageMakerUpdateEndpointWeightsOperator(
            task_id="shift", endpoint_name=endpoint, weights=weights, deferrable=deferrable
        )
    )
    assert state == "success"
    weights_now = {v["VariantName"]: v["CurrentWeight"] for v in description["ProductionVariants"]}
    assert weights_now == weights


def test_traffic_of_an_unknown_variant_is_refused(endpoint: str) -> None:
    state, _ = run(
        lambda: sagemaker_endpoints.SageMakerUpdateEndpointWeightsOperator(
            task_id="shift", endpoint_name=endpoint, weights={"nobody": 1.0}
        )
    )
    assert state == "failed"


def delete_config(name: str) -> str | None:
    build = lambda: sagemaker_endpoints.SageMakerDeleteEndpointConfigOperator(task_id="x", config_name=name)  # noqa: E731
    return run(build)[0]


def test_a_configuration_goes_only_after_its_endpoint(endpoint: str) -> None:
    assert delete_config(endpoint) == "failed"
    for deferrable in (True, False):  # the second finds nothing: a success
        state, _ = run(
            lambda: sagemaker_endpoints.SageMakerDeleteEndpointOperator(
                task_id="delete",
                endpoint_name=endpoint,
                deferrable=deferrable,  # noqa: B023 — run within the loop
            )
        )
        assert state == "success"
        assert not exists(endpoint)
    assert delete_config(endpoint) == "success"
    assert delete_config(endpoint) == "success"
    with pytest.raises(ClientError, match="Could not find"):
        sagemaker().describe_endpoint_config(EndpointConfigName=endpoint)


@pytest.fixture
def versions() -> list[str]:
    """ARNs of three versions of a new group."""
    group = unique("group")
    sagemaker().create_model_package_group(ModelPackageGroupName=group)
    specification = {
        "Containers": [{"Image": tiny_model.IMAGE, "ModelDataUrl": "s3://b/model.tar.gz"}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    return [
        sagemaker().create_model_package(ModelPackageGroupName=group, InferenceSpecification=specification)[
            "ModelPackageArn"
        ]
        for _ in range(3)
    ]


def register(group: str, **properties: str) -> tuple[str | None, Any]:
    config = {
        "ModelPackageGroupName": group,
        "ModelApprovalStatus": "PendingManualApproval",
        "InferenceSpecification": {
            "Containers": [{"Image": tiny_model.IMAGE, "ModelDataUrl": "s3://b/model.tar.gz"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        "CustomerMetadataProperties": properties,
        "Tags": [{"Key": "team", "Value": "ml"}],
    }
    return run(
        lambda: sagemaker_registry.SageMakerCreateModelPackageOperator(task_id="register", config=config)
    )


def test_a_version_is_registered_once_however_often_the_task_runs(aws: str) -> None:
    group = unique("group")
    state, first = register(group, run="1")
    assert (state, first["ModelPackageVersion"], first["CustomerMetadataProperties"]["run"]) == (
        "success",
        1,
        "1",
    )
    assert register(group, run="1")[1]["ModelPackageArn"] == first["ModelPackageArn"]
    assert register(group, run="2")[1]["ModelPackageVersion"] == 2
    described = sagemaker().describe_model_package_group(ModelPackageGroupName=group)
    tags = sagemaker().list_tags(ResourceArn=described["ModelPackageGroupArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "ml"}]


def approval(arn: str) -> tuple[str, str]:
    version = sagemaker().describe_model_package(ModelPackageName=arn)
    return version["ModelApprovalStatus"], version.get("ApprovalDescription", "")


def approve(arn: str, **options: Any) -> tuple[str | None, Any]:
    return run(
        lambda: sagemaker_registry.SageMakerApproveModelPackageOperator(
            task_id="approve", model_package_arn=arn, **options
        )
    )


def test_versions_are_approved_and_rejected_with_a_reason(versions: list[str]) -> None:
    state, described = approve(versions[0], reason="F1 0.85")
    assert (state, described["ModelApprovalStatus"]) == ("success", "Approved")
    assert approval(versions[0]) == ("Approved", "F1 0.85")
    assert approve(versions[0], reason="again")[0] == "success"
    assert approval(versions[0]) == ("Approved", "F1 0.85")  # nothing to change
    reject = run(
        lambda: sagemaker_registry.SageMakerRejectModelPackageOperator(
            task_id="reject", model_package_arn=versions[0], reason="drift"
        )
    )
    assert reject[0] == "success"
    assert approval(versions[0]) == ("Rejected", "drift")


def test_a_version_that_is_not_there_cannot_be_approved(versions: list[str]) -> None:
    assert approve(f"{versions[0]}9")[0] == "failed"


def newest(arn: str, **options: Any) -> tuple[str | None, Any]:
    group = arn.split("/")[-2]
    return run(
        lambda: sagemaker_registry.SageMakerNewestApprovedModelPackageOperator(
            task_id="newest", group=group, **options
        )
    )


def test_the_newest_approved_version_is_found(versions: list[str]) -> None:
    assert newest(versions[0])[0] == "failed"
    assert newest(versions[0], if_none="skip")[0] == "skipped"
    for arn in versions[:2]:
        approve(arn)
    state, described = newest(versions[0])
    assert (state, described["ModelPackageArn"]) == ("success", versions[1])


def test_a_version_is_described(versions: list[str]) -> None:
    state, described = run(
        lambda: sagemaker_registry.SageMakerDescribeModelPackageOperator(
            task_id="describe", model_package_arn=versions[2]
        )
    )
    assert (state, described["ModelPackageVersion"]) == ("success", 3)
