"""Delete what the project created, and nothing else: what carries its tag, users before what they use."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowSkipException

from aws_ml.clients import Aws
from aws_ml.errors import is_missing
from include.aws.sagemaker_requests import USE_CASE_TAG
from include.use_cases.catalogue import CASES
from include.workflows.common.params import unless_teardown

if TYPE_CHECKING:
    from airflow.sdk import XComArg

log = logging.getLogger(__name__)

# kind, as ARNs call it, in the order of deletion
KINDS = ("endpoint", "endpoint-config", "model", "model-package-group", "dataset-group")
SHARED_FOLDERS = ("monitoring",)  # job scripts of drift_monitor and retraining, which every use case shares


@task(multiple_outputs=True, task_id="find")
def find_resources(**context: Any) -> dict[str, list[str]]:
    """Names by kind of all resources of the chosen use cases; the log lists them."""
    return tagged_resources(context["params"]["use_cases"])


def tagged_resources(use_cases: list[str]) -> dict[str, list[str]]:
    """Names by kind of what carries the tag of one of the use cases."""
    pages = Aws().client("resourcegroupstaggingapi").get_paginator("get_resources")
    arns = [
        str(resource["ResourceARN"])
        for page in pages.paginate(TagFilters=[{"Key": USE_CASE_TAG, "Values": use_cases}])
        for resource in page["ResourceTagMappingList"]
    ]
    names_by_kind = by_kind(arns)
    for kind, names in names_by_kind.items():
        log.info("%s: %s", kind, ", ".join(names) or "none")
    return names_by_kind


def by_kind(arns: list[str]) -> dict[str, list[str]]:
    """Names by kind: `arn:aws:sagemaker:eu-west-1:123456789012:endpoint/churn` is the endpoint churn."""
    names: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for arn in sorted(arns):
        kind, _, name = arn.split(":", 5)[5].partition("/")
        if kind in names:
            names[kind].append(name)
    return names


def unless_dry_run(context: Any) -> None:
    """Skip a deletion where the trigger form asks for a dry run.

    :raises AirflowSkipException: then.
    """
    if context["params"]["dry_run"]:
        raise AirflowSkipException("A dry run: the log of `find` lists what would be deleted.")


@task(pre_execute=unless_dry_run)
def chosen(names: list[str]) -> list[str]:
    """What the next task deletes one by one."""
    return names


@task(trigger_rule="none_failed", pre_execute=unless_dry_run)
def delete_models(names: list[str]) -> int:
    """Delete models; one that does not exist any more is a success."""
    return remove_models(names)


@task(trigger_rule="none_failed", pre_execute=unless_dry_run)
def delete_groups(names: list[str]) -> int:
    """Delete model package groups with all their versions."""
    return remove_groups(names)


@task(trigger_rule="none_failed", pre_execute=unless_dry_run)
def delete_objects(bucket: str, **context: Any) -> int:
    """Delete the folders of the use cases and of their sample data, where the trigger form asks for it.

    The scripts that all use cases share go with the last of them.

    :return: number of objects.
    :raises AirflowSkipException: where the objects are to stay.
    """
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    if not context["params"]["objects"]:
        raise AirflowSkipException("The objects in S3 stay.")
    hook, count = S3Hook(), 0
    for folder in folders_of(context["params"]["use_cases"]):
        keys = hook.list_keys(bucket, f"{folder}/") or []
        if keys:
            hook.delete_objects(bucket, keys)
        log.info("s3://%s/%s/: %d objects deleted", bucket, folder, len(keys))
        count += len(keys)
    return count


def folders_of(use_cases: list[str]) -> list[str]:
    """The folders in the bucket that belong to some use cases and to no other one."""
    folders = {folder for name in use_cases for folder in (name, *CASES[name].sample_data)}
    staying = {folder for name in CASES if name not in use_cases for folder in CASES[name].sample_data}
    shared = SHARED_FOLDERS if set(use_cases) == set(CASES) else ()
    return [*sorted(folders - staying), *shared]


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
