"""The template's roles allow what the waits and operators of the workflows call, and not much more.

That they allow the calls of real runs is tested where the runs are (`permissions.refused`).
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from aws_ml.lifecycle.kinds import KINDS, PERSONALIZE
from tests.permissions import ACCOUNT, TOPIC, Need, Template, needs

PROJECT = Path(__file__).parents[2]
BARE = Template(AllowCleanUp="no", UseMwaa="no", DriftTopic="")
FULL = Template()
WORKERS = BARE.role("AirflowRole")
BUCKET = "arn:aws:s3:::ml-workflows"


def camel(operation: str) -> str:
    return "".join(word.capitalize() for word in operation.split("_"))


@pytest.mark.parametrize(
    "kind", ["processing", "training", "transform", "model", "endpoint_config", "endpoint"]
)
def test_workers_may_do_what_a_kind_of_job_needs(kind: str) -> None:
    calls_of = KINDS[kind]
    for operation in filter(None, (calls_of.create, calls_of.describe, calls_of.stop, calls_of.list)):
        assert f"sagemaker:{camel(operation)}" in WORKERS.actions


def test_workers_may_do_what_the_movie_workflow_needs() -> None:
    words = ("Schema", "DatasetGroup", "Dataset", "DatasetImportJob", "EventTracker", "Solution")
    for word in (*words, "SolutionVersion", "Campaign", "Filter", "BatchInferenceJob"):
        kind = PERSONALIZE[word]
        for operation in filter(None, (kind.create, kind.describe, kind.stop, kind.list)):
            assert f"personalize:{camel(operation)}" in WORKERS.actions


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
        "include/workflows/classification/registry.py",
        "include/workflows/retraining/decision.py",
        "include/workflows/retraining/traffic_shift.py",
        "include/workflows/monitoring/windows.py",
        "plugins/aws_ml/lifecycle/packages.py",
        "plugins/aws_ml/operators/sagemaker_registry.py",
    )
    assert {"CreateModelPackage", "UpdateModelPackage", "ListModelPackages", "DescribeEndpoint"} <= called
    assert {f"sagemaker:{name}" for name in called} <= WORKERS.actions


def test_the_clean_up_may_delete_what_it_deletes_where_that_is_allowed() -> None:
    called = calls("include/workflows/common/deletion.py", "plugins/aws_ml/operators/sagemaker_endpoints.py")
    deletions = {f"sagemaker:{name}" for name in called if name.startswith("Delete")}
    assert len(deletions) == 5
    needed = deletions | {"tag:GetResources", "s3:DeleteObject"}
    assert needed <= Template(AllowCleanUp="yes", UseMwaa="no").role("AirflowRole").actions
    assert WORKERS.actions & needed == {
        "sagemaker:DeleteEndpoint",
        "s3:DeleteObject",
    }  # the latter is a refusal
    assert not WORKERS.allows(Need("s3:DeleteObject", f"{BUCKET}/churn/data"))
    assert FULL.role("AirflowRole").allows(Need("s3:DeleteObject", f"{BUCKET}/churn/data"))


def test_only_what_carries_the_projects_tag_is_deleted() -> None:
    model = f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:model/somebody-elses"
    tagged = {"aws:ResourceTag/aws-ml:use-case": "churn"}
    assert FULL.role("AirflowRole").allows(Need("sagemaker:DeleteModel", model, tagged))
    assert not FULL.role("AirflowRole").allows(Need("sagemaker:DeleteModel", model))


@pytest.mark.parametrize("role", ["AirflowRole", "SageMakerRole", "PersonalizeRole"])
def test_only_the_owner_writes_what_airflow_runs_and_other_buckets_are_closed(role: str) -> None:
    permissions = FULL.role(role)
    assert permissions.allows(Need("s3:PutObject", f"{BUCKET}/movie_recommendations/runs/x"))
    for action in ("s3:PutObject", "s3:DeleteObject"):
        assert not permissions.allows(Need(action, f"{BUCKET}/mwaa/dags/churn.py"))
    assert not permissions.allows(Need("s3:GetObject", "arn:aws:s3:::another/key"))


def test_roles_are_handed_to_their_own_service_alone() -> None:
    role = FULL.resolve({"!GetAtt": "SageMakerRole.Arn"})
    for service, allowed in (("sagemaker", True), ("personalize", True), ("lambda", False)):
        passing = Need("iam:PassRole", role, {"iam:PassedToService": f"{service}.amazonaws.com"})
        assert WORKERS.allows(passing) is allowed
    assert not WORKERS.allows(Need("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/admin", passing.context))


def test_a_topic_may_be_published_to_where_one_is_named() -> None:
    publish = {"eventSource": "sns.amazonaws.com", "eventName": "Publish"}
    (need,) = needs({**publish, "requestParameters": {"TopicArn": TOPIC}})
    assert FULL.role("AirflowRole").allows(need)
    assert not WORKERS.allows(need)


def test_mwaa_gets_its_own_permissions_and_trust_only_where_it_is_used() -> None:
    assert "airflow:PublishMetrics" in FULL.role("AirflowRole").actions
    assert "airflow:PublishMetrics" not in WORKERS.actions
    (trust,) = FULL.resource("AirflowRole")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": ["airflow.amazonaws.com", "airflow-env.amazonaws.com"]}
    (trust,) = BARE.resource("AirflowRole")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


def test_the_bucket_is_encrypted_closed_and_kept() -> None:
    bucket = FULL.resource("Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]
    assert FULL.raw["Resources"]["Bucket"]["DeletionPolicy"] == "Retain"
    tls, personalize = FULL.resource("BucketPolicy")["PolicyDocument"]["Statement"]
    assert (tls["Effect"], tls["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert personalize["Resource"] == [BUCKET, f"{BUCKET}/movie_recommendations/*"]


@pytest.mark.parametrize("role", ["AirflowRole", "SageMakerRole", "PersonalizeRole"])
def test_no_role_may_do_everything(role: str) -> None:
    permissions = FULL.role(role)
    wide = {action for action in permissions.actions if action.endswith("*")}
    assert wide <= {"s3:GetObject*", "s3:GetBucket*", "s3:List*", "kms:GenerateDataKey*"}  # as MWAA wants it
    starred = {
        action
        for statement in permissions.statements
        if statement.get("Resource") == "*"
        for action in flat(statement["Action"])
    }
    without = r"\w+:List\w+|tag:GetResources|ecr:\w+|cloudwatch:PutMetricData"
    of_mwaa = {"s3:GetAccountPublicAccessBlock", "logs:DescribeLogGroups"}
    assert {action for action in starred if not re.fullmatch(without, action)} <= of_mwaa


def flat(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_the_roles_fit_into_iams_limits() -> None:
    for name in ("AirflowRole", "SageMakerRole", "PersonalizeRole"):
        policies = [policy["PolicyDocument"] for policy in FULL.resource(name)["Policies"]]
        assert sum(len(json.dumps(policy, separators=(",", ":"))) for policy in policies) < 10_240, name


def test_airflow_runs_what_make_mwaa_writes() -> None:
    mwaa = FULL.resource("Mwaa")
    assert [mwaa[f"{name}S3Path"] for name in ("Dag", "Plugins", "Requirements")] == [
        *("mwaa/dags", "mwaa/plugins.zip", "mwaa/requirements.txt"),
    ]
    assert "PluginsS3ObjectVersion" not in mwaa
