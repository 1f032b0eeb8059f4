"""The policies of docs/aws.md allow what the waits and operators of the workflows call."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from aws_ml.jobs.kinds import KINDS, PERSONALIZE

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs/aws.md").read_text()
POLICIES = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
WORKERS, CLEAN_UP = POLICIES[2:4]  # after the trust policy and SageMaker's own role
PERSONALIZE_WORKERS = POLICIES[5]  # after the bucket's policy for Personalize


def actions(policy: dict[str, list[dict[str, str | list[str]]]]) -> set[str]:
    found: set[str] = set()
    for statement in policy["Statement"]:
        named = statement["Action"]
        found |= {named} if isinstance(named, str) else set(named)
    return found


def camel(operation: str) -> str:
    return "".join(word.capitalize() for word in operation.split("_"))


@pytest.mark.parametrize(
    "kind", ["processing", "training", "transform", "model", "endpoint_config", "endpoint"]
)
def test_workers_may_do_what_a_kind_of_job_needs(kind: str) -> None:
    found = KINDS[kind]
    for operation in filter(None, (found.create, found.describe, found.stop, found.list)):
        assert f"sagemaker:{camel(operation)}" in actions(WORKERS)


def test_workers_may_do_what_the_movie_workflow_needs() -> None:
    words = ("Schema", "DatasetGroup", "Dataset", "DatasetImportJob", "EventTracker", "Solution")
    for word in (*words, "SolutionVersion", "Campaign", "Filter", "BatchInferenceJob"):
        kind = PERSONALIZE[word]
        for operation in filter(None, (kind.create, kind.describe, kind.stop, kind.list)):
            assert f"personalize:{camel(operation)}" in actions(PERSONALIZE_WORKERS)


def calls(*paths: str) -> set[str]:
    """Operations of SageMaker that source files call by their boto3 names."""
    text = "".join((PROJECT / path).read_text() for path in paths)
    return {
        camel(name)
        for name in re.findall(
            r"[\".]((?:create|describe|list|update|delete)_(?:model|endpoint)\w*)[\"(]", text
        )
    }


def test_workers_may_do_what_registration_and_promotion_call() -> None:
    called = calls(
        "include/task_groups/registration.py",
        "include/task_groups/promotion.py",
        "include/task_groups/shifting.py",
        "plugins/aws_ml/operators/registry.py",
    )
    assert {"CreateModelPackage", "UpdateModelPackage", "ListModelPackages", "DescribeEndpoint"} <= called
    assert {f"sagemaker:{name}" for name in called} <= actions(WORKERS)


def test_the_clean_up_may_delete_what_it_deletes() -> None:
    called = calls("include/task_groups/cleaning.py", "plugins/aws_ml/operators/endpoints.py")
    deletions = {f"sagemaker:{name}" for name in called if name.startswith("Delete")}
    assert len(deletions) == 5
    assert deletions | {"tag:GetResources", "s3:DeleteObject"} <= actions(CLEAN_UP)


def test_workers_may_tag_and_read_logs() -> None:
    assert {"sagemaker:AddTags", "sagemaker:ListTags", "logs:FilterLogEvents"} <= actions(WORKERS)


def test_no_policy_allows_everything() -> None:
    for policy in POLICIES:
        assert not [action for action in actions(policy) if action.endswith("*")]
