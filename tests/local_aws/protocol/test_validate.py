from __future__ import annotations

from typing import Any

import pytest
from botocore.loaders import Loader

from include.local_aws.protocol.models import service_model
from include.local_aws.protocol.validate import InvalidParameters, _compiled, validate

JOB: dict[str, Any] = {
    "TrainingJobName": "churn",
    "RoleArn": "arn:aws:iam::123456789012:role/ml-workflows",
    "AlgorithmSpecification": {"TrainingImage": "x", "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/models"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}


def check(**changes: Any) -> None:
    params = {name: value for name, value in {**JOB, **changes}.items() if value is not None}
    validate("sagemaker", service_model("sagemaker").operation_model("CreateTrainingJob").input_shape, params)


def test_good_parameters_pass() -> None:
    check(HyperParameters={"eta": "0.2"}, Tags=[{"Key": "Größe", "Value": "a b"}])


CASES: list[tuple[dict[str, Any], str]] = [
    ({"RoleArn": None}, "Value null at 'roleArn' failed to satisfy constraint: Member must not be null"),
    (
        {"TrainingJobName": "a_b"},
        "Value 'a_b' at 'trainingJobName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
    ),
    ({"TrainingJobName": "a" * 64}, "Member must have length less than or equal to 63"),
    (
        {"AlgorithmSpecification": {"TrainingInputMode": "Fast"}},
        "at 'algorithmSpecification.trainingInputMode' failed to satisfy constraint: "
        "Member must satisfy enum value set: [Pipe, File, FastFile]",
    ),
    ({"StoppingCondition": {"MaxRuntimeInSeconds": 0}}, "Member must have value greater than or equal to 1"),
    ({"HyperParameters": {"eta": 0.2}}, "at 'hyperParameters.eta.member' failed"),
    ({"Tags": [{"Key": "a"}]}, "Value null at 'tags.1.member.value' failed"),
    ({"InputDataConfig": "train"}, "Member must be of type list"),
    ({"EnableNetworkIsolation": "yes"}, "Member must be of type boolean"),
    ({"StoppingCondition": {"MaxRuntimeInSeconds": True}}, "Member must be of type integer"),
]


@pytest.mark.parametrize(("changes", "text"), CASES, ids=lambda case: str(case)[:40])
def test_every_constraint_of_the_model_is_checked(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidParameters) as error:
        check(**changes)
    assert error.value.code == "ValidationException"
    assert "validation error" in error.value.message
    assert text in error.value.message


def test_all_failures_are_in_one_error() -> None:
    with pytest.raises(InvalidParameters, match="^ValidationException: 2 validation errors detected: "):
        check(RoleArn=None, TrainingJobName="a_b")


SERVICES = ("s3", "logs", "sagemaker", "sagemaker-runtime", "sagemaker-featurestore-runtime", "personalize")


@pytest.mark.parametrize("service", SERVICES)
def test_every_pattern_of_the_models_can_be_checked(service: str) -> None:
    shapes = Loader().load_service_model(service, "service-2")["shapes"].values()
    patterns = {shape["pattern"] for shape in shapes if "pattern" in shape}
    for pattern in patterns:
        _compiled(pattern)
    assert patterns or service == "s3"
