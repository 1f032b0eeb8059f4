"""A request becomes one job, however often a task asks for it (against the local AWS)."""

from __future__ import annotations

import logging
import time
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from aws_ml.errors import JobExists, JobRejected, ServiceFault
from aws_ml.lifecycle.differences import differences, digest
from aws_ml.lifecycle.ensure import ensure_job, ensure_resource
from aws_ml.lifecycle.kinds import ENDPOINT_CONFIG, KINDS, MODEL
from scripts import local_settings as local
from tests.plugins.lifecycle.small_jobs import (
    FAILING,
    HELLO,
    IMAGE,
    LOG,
    SLEEPING,
    jobs,
    processing,
    sagemaker,
    unique,
    wait_until,
)

PROCESSING = KINDS["processing"]
pytestmark = pytest.mark.usefixtures("aws")


def s3() -> Any:
    return boto3.client("s3")


def create(config: dict[str, Any], policy: Any = "new") -> Any:
    return ensure_job(sagemaker(), s3(), PROCESSING, config, policy, LOG)


def test_a_running_job_of_the_same_request_is_used() -> None:
    name = unique("attach")
    first, second = create(processing(name, SLEEPING)), create(processing(name, SLEEPING))
    assert (first.name, first.created, second.name, second.created) == (name, True, name, False)
    assert jobs(name) == [name]
    sagemaker().stop_processing_job(ProcessingJobName=name)


def with_input(name: str, source: str, output: str = "elsewhere") -> dict[str, Any]:
    """A job that reads an input, S3 keys, and writes to a folder."""
    base = f"s3://{local.BUCKET}"
    kind = "ManifestFile" if source.endswith(".manifest") else "S3Prefix"
    s3_input = {"S3Uri": f"{base}/{source}", "LocalPath": "/opt/ml/processing/input", "S3DataType": kind}
    s3_output = {"S3Uri": f"{base}/{output}", "LocalPath": "/opt/ml/processing/output"}
    outputs = [{"OutputName": "out", "S3Output": {**s3_output, "S3UploadMode": "EndOfJob"}}]
    code = "open('/opt/ml/processing/output/a', 'w').write('x')"
    return processing(
        name,
        code,
        ProcessingInputs=[{"InputName": "in", "S3Input": {**s3_input, "S3InputMode": "File"}}],
        ProcessingOutputConfig={"Outputs": outputs},
    )


def put(key: str, text: str = "x") -> None:
    s3().put_object(Bucket=local.BUCKET, Key=key, Body=text.encode())


def finished(config: dict[str, Any]) -> str:
    name = str(create(config).name)
    assert wait_until(name, "Completed", "Failed") == "Completed"
    time.sleep(1.1)  # S3's times are whole seconds
    return name


@pytest.mark.parametrize("ending", ["/", ".manifest"])
def test_a_finished_job_is_not_reused_when_its_input_was_written_since(
    caplog: pytest.LogCaptureFixture, ending: str
) -> None:
    """The step before it was cleared, and has left something else."""
    name, source = unique("newer"), unique("source")
    key = f"{source}{ending}a.csv" if ending == "/" else f"{source}{ending}"
    text = f'[{{"prefix": "s3://{local.BUCKET}/"}}, "{source}.csv"]'
    put(f"{source}.csv")
    put(key, text)
    config = with_input(name, f"{source}{ending}")
    assert finished(config) == name
    assert create(config) == create(config)
    assert create(config).name == name
    put(key, text)
    with caplog.at_level(logging.WARNING):
        assert finished(config) == f"{name}-2"
    assert f"its input s3://{local.BUCKET}/{key} was written after it began" in caplog.text
    assert create(config).name == f"{name}-2"


def test_what_a_job_writes_below_its_input_is_no_newer_input() -> None:
    name, source = unique("within"), unique("source")
    put(f"{source}/a.csv")
    config = with_input(name, f"{source}/", f"{source}/results")
    assert finished(config) == name
    assert create(config).name == name


def test_a_role_that_may_not_look_at_the_data_reuses_the_job(caplog: pytest.LogCaptureFixture) -> None:
    class Denied:
        def get_paginator(self, operation: str) -> Any:
            error: Any = {"Error": {"Code": "AccessDenied", "Message": "no"}}
            raise ClientError(error, "ListObjectsV2")

    name, source = unique("denied"), unique("source")
    put(f"{source}/a.csv")
    config = with_input(name, f"{source}/")
    assert finished(config) == name
    with caplog.at_level(logging.WARNING):
        assert ensure_job(sagemaker(), Denied(), PROCESSING, config, "new", LOG).name == name
    assert "has changed since the job began cannot be told" in caplog.text


@pytest.mark.parametrize("policy", ["new", "reuse", "fail"])
def test_a_finished_job_of_the_same_request_is_reused_by_every_policy(policy: str) -> None:
    name = unique("reuse")
    create(processing(name, HELLO))
    wait_until(name, "Completed")
    assert not create(processing(name, HELLO), policy).created
    assert jobs(name) == [name]


def test_a_failed_job_gets_a_successor_which_later_tries_use() -> None:
    name = unique("failed")
    create(processing(name, FAILING))
    wait_until(name, "Failed")
    second = create(processing(name, FAILING))
    assert (second.name, second.created) == (f"{name}-2", True)
    again = create(processing(name, FAILING))
    assert again.name in (f"{name}-2", f"{name}-3")  # the successor may have failed, too, by now
    with pytest.raises(JobExists, match="ended as Failed: .*exit code: 3"):
        create(processing(name, FAILING), "fail")
    assert create(processing(name, FAILING), "reuse").name == name


def test_another_request_of_the_same_name_is_never_used(caplog: pytest.LogCaptureFixture) -> None:
    name = unique("other")
    create(processing(name, HELLO))
    wait_until(name, "Completed")
    other = processing(name, HELLO, StoppingCondition={"MaxRuntimeInSeconds": 60})
    difference = "StoppingCondition.MaxRuntimeInSeconds: asked for 60, is 120"
    with pytest.raises(JobExists, match=difference):
        create(other, "fail")
    with caplog.at_level(logging.WARNING):
        assert create(other).name == f"{name}-2"
    assert difference in caplog.text


def test_a_job_that_another_program_created_is_not_used_though_it_looks_the_same() -> None:
    name = unique("foreign")
    sagemaker().create_processing_job(**processing(name, HELLO))
    assert create(processing(name, HELLO)).name == f"{name}-2"


def test_names_stay_within_the_limit() -> None:
    name = unique("x" * 54)
    assert len(name) == 63
    sagemaker().create_processing_job(**processing(name, HELLO))
    second = create(processing(name, HELLO)).name
    assert len(second) == 63
    assert second.endswith("-2")


def test_a_request_that_aws_refuses_names_the_job_and_the_reason() -> None:
    config = processing(unique("bad"), HELLO)
    config["AppSpecification"]["ImageUri"] = "no-such-image"
    with pytest.raises(JobRejected, match="creating the processing job bad-.*no-such-image"):
        create(config)


class Throttled:
    """A client whose Create is always throttled."""

    def create_processing_job(self, **_: Any) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "Create")


def test_throttling_is_the_services_fault() -> None:
    with pytest.raises(ServiceFault, match="Rate exceeded"):
        ensure_job(Throttled(), s3(), PROCESSING, processing("x", HELLO), "new", LOG)


def test_tags_do_not_change_what_a_request_is() -> None:
    config = processing("x", HELLO)
    assert digest(config) == digest({**config, "Tags": [{"Key": "a", "Value": "b"}]})
    assert digest(config) != digest(processing("x", FAILING))


def test_what_aws_adds_is_no_difference() -> None:
    assert (
        differences({"a": {"b": 1}, "c": [{"d": 1}]}, {"a": {"b": 1, "x": 2}, "c": [{"d": 1, "y": 3}]}) == []
    )
    assert differences({"a": [1, 2]}, {"a": [1]}) == ["a: asked for [1, 2], is [1]"]
    assert differences({"a": {"b": 1}}, {}) == ["a: asked for {'b': 1}, is None"]


def test_a_model_and_a_configuration_are_created_once_and_never_replaced() -> None:
    name = unique("model")
    container = {"Image": IMAGE, "Environment": {"A": "1"}}
    role = "arn:aws:iam::123456789012:role/x"
    model = {"ModelName": name, "PrimaryContainer": container, "ExecutionRoleArn": role}
    variant = {
        "VariantName": "A",
        "ModelName": name,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    config = {"EndpointConfigName": name, "ProductionVariants": [variant]}
    for kind, request in ((MODEL, model), (ENDPOINT_CONFIG, config)):
        ensure_resource(sagemaker(), kind, request, LOG)
        description = kind.look(sagemaker(), name)
        ensure_resource(sagemaker(), kind, request, LOG)
        assert kind.look(sagemaker(), name) == description
    other = {**model, "PrimaryContainer": {**container, "Environment": {"A": "2"}}}
    with pytest.raises(JobExists, match=r"PrimaryContainer.Environment.A: asked for '2', is '1'"):
        ensure_resource(sagemaker(), MODEL, other, LOG)
