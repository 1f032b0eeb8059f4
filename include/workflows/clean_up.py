"""Delete what the project created, and nothing else: what carries its tag, users before what they use."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowSkipException

from include.aws.sagemaker_requests import USE_CASE_TAG

log = logging.getLogger(__name__)

# kind, as ARNs call it, in the order of deletion
KINDS = ("endpoint", "endpoint-config", "model", "model-package-group", "dataset-group")


@task(multiple_outputs=True)
def find(**context: Any) -> dict[str, list[str]]:
    """Names by kind of all resources of the chosen use cases; the log lists them."""
    from aws_ml.clients import Aws

    pages = Aws().client("resourcegroupstaggingapi").get_paginator("get_resources")
    wanted = [{"Key": USE_CASE_TAG, "Values": context["params"]["use_cases"]}]
    arns = [
        str(found["ResourceARN"])
        for page in pages.paginate(TagFilters=wanted)
        for found in page["ResourceTagMappingList"]
    ]
    found = by_kind(arns)
    for kind, names in found.items():
        log.info("%s: %s", kind, ", ".join(names) or "none")
    return found


def by_kind(arns: list[str]) -> dict[str, list[str]]:
    """Names by kind: `arn:aws:sagemaker:eu-west-1:123456789012:endpoint/churn` is the endpoint churn."""
    found: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for arn in sorted(arns):
        kind, _, name = arn.split(":", 5)[5].partition("/")
        if kind in found:
            found[kind].append(name)
    return found


def unless_dry_run(context: Any) -> None:
    """Skip a deletion where the trigger form asks for a dry run."""
    if context["params"]["dry_run"]:
        raise AirflowSkipException("A dry run: the log of `find` lists what would be deleted.")


@task(pre_execute=unless_dry_run)
def chosen(names: list[str]) -> list[str]:
    """What the next task deletes one by one."""
    return names


@task(trigger_rule="none_failed", pre_execute=unless_dry_run)
def delete_models(names: list[str]) -> int:
    """Delete models; one that is gone is a success."""
    return sum(_deleted("delete_model", ModelName=name) for name in names)


@task(trigger_rule="none_failed", pre_execute=unless_dry_run)
def delete_groups(names: list[str]) -> int:
    """Delete model package groups with all their versions."""
    from aws_ml.clients import Aws

    pages = Aws().client("sagemaker").get_paginator("list_model_packages")
    for name in names:
        for page in pages.paginate(ModelPackageGroupName=name):
            for version in page["ModelPackageSummaryList"]:
                _deleted("delete_model_package", ModelPackageName=version["ModelPackageArn"])
        _deleted("delete_model_package_group", ModelPackageGroupName=name)
    return len(names)


@task(trigger_rule="none_failed", pre_execute=unless_dry_run)
def delete_objects(bucket: str, **context: Any) -> int:
    """Delete the use cases' folders in the bucket, where the trigger form asks for it.

    :return: number of objects.
    """
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    if not context["params"]["objects"]:
        raise AirflowSkipException("The objects in S3 stay.")
    hook, count = S3Hook(), 0
    for name in context["params"]["use_cases"]:
        keys = hook.list_keys(bucket, f"{name}/") or []
        if keys:
            hook.delete_objects(bucket, keys)
        log.info("s3://%s/%s/: %d objects deleted", bucket, name, len(keys))
        count += len(keys)
    return count


def _deleted(operation: str, **parameters: str) -> bool:
    """Call a delete operation; False where the resource was gone already."""
    from botocore.exceptions import ClientError

    from aws_ml.clients import Aws
    from aws_ml.errors import is_missing

    try:
        getattr(Aws().client("sagemaker"), operation)(**parameters)
    except ClientError as error:
        if not is_missing(error):
            raise
        return False
    log.info("%s %s", operation.replace("_", " "), *parameters.values())
    return True
