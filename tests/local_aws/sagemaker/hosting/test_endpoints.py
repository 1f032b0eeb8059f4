"""Models, endpoint configurations, endpoints and their invocation, with real containers."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.sagemaker.hosting.tiny_model import ROLE, archive, container, settled, variant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.local_aws.conftest import RunningServer

BUCKET = "hosting-tests"
ARN = "arn:aws:sagemaker:eu-west-1:123456789012"


@pytest.fixture(scope="module")
def aws(client: Callable[[str], Any]) -> Any:
    """Clients by short names, a bucket, and the models double and triple."""

    class Aws:
        s3, sagemaker, runtime, logs = (client(n) for n in ("s3", "sagemaker", "sagemaker-runtime", "logs"))

    Aws.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    double, triple = container(Aws.s3, BUCKET, 2), container(Aws.s3, BUCKET, 3)
    create = Aws.sagemaker.create_model
    create(ModelName="double", PrimaryContainer=double, ExecutionRoleArn=ROLE)
    create(ModelName="triple", PrimaryContainer=triple, ExecutionRoleArn=ROLE)
    return Aws


def config(aws: Any, name: str, *variants: dict[str, Any], **members: Any) -> str:
    aws.sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=list(variants), **members
    )
    return name


def ask(aws: Any, endpoint: str, body: bytes = b"1 2", **members: Any) -> str:
    answer = aws.runtime.invoke_endpoint(EndpointName=endpoint, Body=body, ContentType="text/csv", **members)
    return str(answer["Body"].read().decode())


def refusal(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**params)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": f"s3://{BUCKET}/capture",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
}


@pytest.fixture(scope="module")
def endpoint(aws: Any) -> Iterator[str]:
    """An endpoint with two weighted variants and data capture."""
    config(aws, "ab", variant("double", "A", 1), variant("triple", "B", 0), DataCaptureConfig=CAPTURE)
    aws.sagemaker.create_endpoint(EndpointName="ab", EndpointConfigName="ab")
    assert aws.sagemaker.describe_endpoint(EndpointName="ab")["EndpointStatus"] == "Creating"
    assert settled(aws.sagemaker, "ab")["EndpointStatus"] == "InService"
    yield "ab"
    aws.sagemaker.delete_endpoint(EndpointName="ab")


# Models and configurations


def test_missing_and_existing_models_have_sagemakers_error_texts(aws: Any) -> None:
    describe, create = aws.sagemaker.describe_model, aws.sagemaker.create_model
    assert refusal(describe, ModelName="none") == (
        "ValidationException",
        f'Could not find model "{ARN}:model/none".',
    )
    description = describe(ModelName="double")
    again = {"PrimaryContainer": description["PrimaryContainer"], "ExecutionRoleArn": ROLE}
    assert refusal(create, ModelName="double", **again) == (
        "ValidationException",
        f'Cannot create already existing model "{ARN}:model/double".',
    )


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"Image": "example.com/mine:1"}, "No container for the image 'example.com/mine:1'"),
        (
            {"ModelDataUrl": f"s3://{BUCKET}/none.tar.gz"},
            f"Could not find model data at s3://{BUCKET}/none.tar.gz.",
        ),
    ],
)
def test_a_model_that_could_not_run_is_refused(aws: Any, change: dict[str, str], text: str) -> None:
    definition = {**container(aws.s3, BUCKET, 2), **change}
    code, message = refusal(
        aws.sagemaker.create_model, ModelName="bad", PrimaryContainer=definition, ExecutionRoleArn=ROLE
    )
    assert code == "ValidationException"
    assert text in message


def test_a_model_has_one_container_or_several_but_not_both(aws: Any) -> None:
    definition = container(aws.s3, BUCKET, 2)
    create = aws.sagemaker.create_model
    both = {"PrimaryContainer": definition, "Containers": [definition]}
    assert "not both" in refusal(create, ModelName="x", ExecutionRoleArn=ROLE, **both)[1]
    assert "not none" in refusal(create, ModelName="x", ExecutionRoleArn=ROLE)[1]


def test_models_are_listed_by_name_in_pages_and_deleted(aws: Any) -> None:
    for number in range(3):
        definition = container(aws.s3, BUCKET, 2)
        aws.sagemaker.create_model(
            ModelName=f"listed-{number}", PrimaryContainer=definition, ExecutionRoleArn=ROLE
        )
    pages = aws.sagemaker.get_paginator("list_models").paginate(
        NameContains="listed", SortBy="Name", SortOrder="Ascending", PaginationConfig={"PageSize": 2}
    )
    assert [model["ModelName"] for page in pages for model in page["Models"]] == [
        *("listed-0", "listed-1", "listed-2")
    ]
    aws.sagemaker.delete_model(ModelName="listed-0")
    assert refusal(aws.sagemaker.describe_model, ModelName="listed-0")[0] == "ValidationException"


def test_configurations_name_models_that_exist_and_variants_once(aws: Any) -> None:
    create = aws.sagemaker.create_endpoint_config
    unknown = refusal(create, EndpointConfigName="c", ProductionVariants=[variant("none")])
    assert unknown == ("ValidationException", f'Could not find model "{ARN}:model/none".')
    twice = [variant("double"), variant("triple")]
    assert "used more than once" in refusal(create, EndpointConfigName="c", ProductionVariants=twice)[1]
    name = config(aws, "known", variant("double"))
    assert refusal(create, EndpointConfigName=name, ProductionVariants=[variant("double")])[1] == (
        f'Cannot create already existing endpoint configuration "{ARN}:endpoint-config/known".'
    )
    aws.sagemaker.delete_endpoint_config(EndpointConfigName=name)
    assert (
        "Could not find endpoint configuration"
        in refusal(aws.sagemaker.describe_endpoint_config, EndpointConfigName=name)[1]
    )


# Invocation


def test_a_variant_of_weight_zero_is_reached_only_by_name(aws: Any, endpoint: str) -> None:
    assert {ask(aws, endpoint) for _ in range(20)} == {"2.0,4.0"}
    assert ask(aws, endpoint, TargetVariant="B") == "3.0,6.0"


def test_an_answer_says_which_variant_gave_it_and_of_what_type_it_is(aws: Any, endpoint: str) -> None:
    answer = aws.runtime.invoke_endpoint(EndpointName=endpoint, Body=b"1", ContentType="text/csv")
    assert answer["InvokedProductionVariant"] == "A"
    assert answer["ContentType"] == "text/csv; charset=utf-8"


def test_wrong_invocations_have_errors_of_their_own(aws: Any, endpoint: str) -> None:
    invoke = aws.runtime.invoke_endpoint
    missing = refusal(invoke, EndpointName="none", Body=b"1")
    assert missing == ("ValidationError", "Endpoint none of account 123456789012 not found.")
    assert "Variant C not found" in refusal(invoke, EndpointName=endpoint, Body=b"1", TargetVariant="C")[1]
    large = refusal(invoke, EndpointName=endpoint, Body=b"1 " * (3 * 1024**2 + 1))
    assert large[0] == "ValidationError"
    assert "'6291458 bytes' at 'body' failed to satisfy constraint: Member must have length" in large[1]


def test_an_error_of_the_container_is_a_model_error(aws: Any, endpoint: str) -> None:
    with pytest.raises(ClientError) as refused:
        ask(aws, endpoint, b"not a number")
    response = refused.value.response
    assert response["Error"]["Code"] == "ModelError"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == 500
    assert response["LogStreamArn"].startswith("/aws/sagemaker/Endpoints/ab")


def test_weights_can_be_shifted_without_a_new_configuration(aws: Any, endpoint: str) -> None:
    update = aws.sagemaker.update_endpoint_weights_and_capacities
    weights: list[dict[str, Any]] = [
        {"VariantName": "A", "DesiredWeight": 0},
        {"VariantName": "B", "DesiredWeight": 1},
    ]
    update(EndpointName=endpoint, DesiredWeightsAndCapacities=weights)
    description = settled(aws.sagemaker, endpoint)
    assert {v["VariantName"]: v["CurrentWeight"] for v in description["ProductionVariants"]} == {
        "A": 0,
        "B": 1,
    }
    assert ask(aws, endpoint) == "3.0,6.0"
    unknown = [{"VariantName": "C", "DesiredWeight": 1}]
    assert "C is not part" in refusal(update, EndpointName=endpoint, DesiredWeightsAndCapacities=unknown)[1]
    update(
        EndpointName=endpoint,
        DesiredWeightsAndCapacities=[{**w, "DesiredWeight": 1 - w["DesiredWeight"]} for w in weights],
    )
    settled(aws.sagemaker, endpoint)


def test_requests_and_answers_are_captured(aws: Any, endpoint: str) -> None:
    ask(aws, endpoint, b"41 42", InferenceId="mine", CustomAttributes="why=test")
    deadline = time.monotonic() + 10
    captured: list[Any] = []
    while not captured and time.monotonic() < deadline:
        entries = aws.s3.list_objects_v2(Bucket=BUCKET, Prefix="capture/ab/A/").get("Contents", [])
        bodies = [aws.s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read() for entry in entries]
        lines = [json.loads(line) for body in bodies for line in body.splitlines()]
        captured = [line for line in lines if line["eventMetadata"].get("inferenceId") == "mine"]
        time.sleep(0.2)
    (record,) = captured
    endpoint_input, endpoint_output = (
        record["captureData"]["endpointInput"],
        record["captureData"]["endpointOutput"],
    )
    assert endpoint_input == {
        "observedContentType": "text/csv",
        "mode": "INPUT",
        "data": "41 42",
        "encoding": "CSV",
    }
    assert (endpoint_output["data"], endpoint_output["encoding"]) == ("82.0,84.0", "CSV")
    assert record["eventMetadata"]["customAttributes"] == ["why=test"]
    assert record["eventVersion"] == "0"


# Life of an endpoint


def test_existing_and_missing_endpoints_have_sagemakers_error_texts(aws: Any, endpoint: str) -> None:
    create = aws.sagemaker.create_endpoint
    assert refusal(create, EndpointName=endpoint, EndpointConfigName="ab")[1].startswith(
        "Cannot create already existing endpoint"
    )
    assert refusal(aws.sagemaker.describe_endpoint, EndpointName="none") == (
        "ValidationException",
        f'Could not find endpoint "{ARN}:endpoint/none".',
    )


def test_a_model_archive_that_climbs_out_fails_the_endpoint_and_writes_nothing(
    aws: Any, server: RunningServer
) -> None:
    hostile = {**container(aws.s3, BUCKET, 7), "ModelDataUrl": f"s3://{BUCKET}/hostile.tar.gz"}
    aws.s3.put_object(Bucket=BUCKET, Key="hostile.tar.gz", Body=archive({"../../../../evil": b"x"}))
    aws.sagemaker.create_model(ModelName="hostile", PrimaryContainer=hostile, ExecutionRoleArn=ROLE)
    config(aws, "hostile", variant("hostile"))
    aws.sagemaker.create_endpoint(EndpointName="hostile", EndpointConfigName="hostile")
    failed = settled(aws.sagemaker, "hostile")
    assert failed["EndpointStatus"] == "Failed"
    assert "../../../../evil" in failed["FailureReason"]
    assert not [path for path in server.state.parent.rglob("evil*")]


def test_after_a_restart_an_endpoint_answers_again_though_its_parts_were_deleted(
    aws: Any, server: RunningServer
) -> None:
    definition = container(aws.s3, BUCKET, 9)
    aws.sagemaker.create_model(ModelName="nine", PrimaryContainer=definition, ExecutionRoleArn=ROLE)
    config(aws, "nine", variant("nine"))
    aws.sagemaker.create_endpoint(EndpointName="nine", EndpointConfigName="nine")
    settled(aws.sagemaker, "nine")
    assert ask(aws, "nine") == "9.0,18.0"
    aws.sagemaker.delete_endpoint_config(EndpointConfigName="nine")
    aws.sagemaker.delete_model(ModelName="nine")
    server.restart()
    assert ask(aws, "nine") == "9.0,18.0"
    groups = aws.logs.describe_log_streams(logGroupName="/aws/sagemaker/Endpoints/nine")["logStreams"]
    assert len(groups) >= 2  # one of each start
    aws.sagemaker.delete_endpoint(EndpointName="nine")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and "nine" in str(
        aws.sagemaker.list_endpoints(NameContains="nine")["Endpoints"]
    ):
        time.sleep(0.2)
    assert refusal(aws.sagemaker.describe_endpoint, EndpointName="nine")[0] == "ValidationException"
