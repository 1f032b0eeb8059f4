"""The tasks of `clean_up`: what carries the project's tag, and the use cases' folders in the bucket."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowSkipException

from include.use_cases.catalogue import CASES
from include.workflows.common.deletion import remove_groups, remove_models, tagged_resources
from include.workflows.common.folders import SHARED_CODE

if TYPE_CHECKING:
    from collections.abc import Iterable

log = logging.getLogger(__name__)


@task(multiple_outputs=True, task_id="find")
def find_resources(**context: Any) -> dict[str, list[str]]:
    """Names by kind of all resources of the chosen use cases; the log lists them."""
    return tagged_resources(context["params"]["use_cases"])


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
    use_cases = context["params"]["use_cases"]
    needed = tuple(sample_folders(set(CASES) - set(use_cases)))
    hook, count = S3Hook(), 0
    for folder in folders_of(use_cases):
        keys = [key for key in hook.list_keys(bucket, folder) or [] if not key.startswith(needed)]
        if keys:
            hook.delete_objects(bucket, keys)
        log.info("s3://%s/%s: %d objects deleted", bucket, folder, len(keys))
        count += len(keys)
    return count


def folders_of(use_cases: list[str]) -> list[str]:
    """The folders in the bucket that belong to some use cases: their own, and data that no other one uses.

    Of a data set only its data: the rest of a folder of its name may be another use case's own.
    """
    own = {f"{name}/" for name in use_cases}
    data = sample_folders(use_cases) - sample_folders(set(CASES) - set(use_cases))
    shared = [f"{SHARED_CODE}/"] if set(use_cases) == set(CASES) else []
    return [*sorted(own | data), *shared]


def sample_folders(use_cases: Iterable[str]) -> set[str]:
    """The folders in the bucket where the sample data of some use cases lies."""
    return {f"{dataset}/data/" for name in use_cases for dataset in CASES[name].sample_data}
