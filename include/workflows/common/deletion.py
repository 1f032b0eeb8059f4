"""Delete what carries the project's tag, users before what they use.

It does not know the catalogue of use cases: an error in one of them stops no other one's DAG.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowSkipException

from aws_ml.clients import Aws
from aws_ml.errors import is_missing
from include.aws.sagemaker_requests import USE_CASE_TAG
from include.workflows.common.errors import WorkflowError

if TYPE_CHECKING:
    from airflow.sdk import XComArg

log = logging.getLogger(__name__)

# kind, as ARNs call it, in the order of deletion
KINDS = ("endpoint", "endpoint-config", "model", "model-package-group", "dataset-group")


def unless_teardown(context: Any) -> None:
    """Skip a deletion that the trigger form does not ask for.

    :raises AirflowSkipException: then.
    """
    if not context["params"]["teardown"]:
        raise AirflowSkipException("The trigger form does not ask for a teardown.")


def delete_use_case(use_case: str) -> XComArg:
    """The task `teardown`: deletes endpoint, configurations, models and versions of a use case."""

    @task(task_id="teardown", pre_execute=unless_teardown)
    def teardown(use_case: str) -> dict[str, list[str]]:
        names = tagged_resources([use_case])
        remove_endpoints(names["endpoint"])
        for name in names["endpoint-config"]:
            _deleted("delete_endpoint_config", EndpointConfigName=name)
        remove_models(names["model"])
        remove_groups(names["model-package-group"])
        return names

    return teardown(use_case)


def tagged_resources(use_cases: list[str]) -> dict[str, list[str]]:
    """Names by kind of what carries the tag of one of the use cases.

    To AWS a filter without values means any value; and no use case has an empty name. So what AWS answers is
    checked against the use cases once more.

    :raises WorkflowError: when no use case is named.
    """
    if not use_cases:
        raise WorkflowError("No use case is chosen: nothing is deleted.")
    pages = Aws().client("resourcegroupstaggingapi").get_paginator("get_resources")
    arns = [
        str(resource["ResourceARN"])
        for page in pages.paginate(TagFilters=[{"Key": USE_CASE_TAG, "Values": use_cases}])
        for resource in page["ResourceTagMappingList"]
        if _tags(resource).get(USE_CASE_TAG) in use_cases
    ]
    names_by_kind = by_kind(arns)
    for kind, names in names_by_kind.items():
        log.info("%s: %s", kind, ", ".join(names) or "none")
    return names_by_kind


def _tags(resource: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in resource["Tags"]}


def by_kind(arns: list[str]) -> dict[str, list[str]]:
    """Names by kind: `arn:aws:sagemaker:eu-west-1:123456789012:endpoint/churn` is the endpoint churn."""
    names: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for arn in sorted(arns):
        kind, _, name = arn.split(":", 5)[5].partition("/")
        if kind in names:
            names[kind].append(name)
    return names


def remove_endpoints(names: list[str]) -> None:
    """Delete endpoints and wait until they are gone: what they use can be deleted only then."""
    waiter = Aws().client("sagemaker").get_waiter("endpoint_deleted")
    for name in names:
        _deleted("delete_endpoint", EndpointName=name)
    for name in names:
        waiter.wait(EndpointName=name, WaiterConfig={"Delay": 5, "MaxAttempts": 360})


def remove_models(names: list[str]) -> int:
    """Delete models; returns how many existed."""
    return sum(_deleted("delete_model", ModelName=name) for name in names)


def remove_groups(names: list[str]) -> int:
    """Delete model package groups with all their versions; returns how many there were."""
    pages = Aws().client("sagemaker").get_paginator("list_model_packages")
    for name in names:
        for page in pages.paginate(ModelPackageGroupName=name):
            for version in page["ModelPackageSummaryList"]:
                _deleted("delete_model_package", ModelPackageName=version["ModelPackageArn"])
        _deleted("delete_model_package_group", ModelPackageGroupName=name)
    return len(names)


def _deleted(operation: str, **parameters: str) -> bool:
    """Call a delete operation; False where the resource did not exist any more."""
    from botocore.exceptions import ClientError

    try:
        getattr(Aws().client("sagemaker"), operation)(**parameters)
    except ClientError as error:
        if not is_missing(error):
            raise
        return False
    log.info("%s %s", operation.replace("_", " "), *parameters.values())
    return True
