"""What OpenLineage gets of each kind of job."""

from __future__ import annotations

from typing import Any

import pytest

from aws_ml.lifecycle.kinds import KINDS, PERSONALIZE
from aws_ml.lifecycle.lineage import lineage

ACCOUNT = "arn:aws:sagemaker:eu-west-1:123456789012"


def channel(uri: str) -> dict[str, Any]:
    return {"DataSource": {"S3DataSource": {"S3Uri": uri}}}


DESCRIPTIONS: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    "processing": (
        {
            "ProcessingInputs": [
                {"S3Input": {"S3Uri": "s3://in/raw/"}},
                {"DatasetDefinition": {}},
                {"S3Input": {"S3Uri": "s3://in/code"}},
            ],
            "ProcessingOutputConfig": {"Outputs": [{"S3Output": {"S3Uri": "s3://out/train"}}]},
        },
        ["s3://in raw", "s3://in code"],
        ["s3://out train"],
    ),
    "training": (
        {
            "InputDataConfig": [channel("s3://in/train/"), channel("s3://in/train/")],
            "OutputDataConfig": {"S3OutputPath": "s3://out/models"},
            "ModelArtifacts": {"S3ModelArtifacts": "s3://out/models/x/model.tar.gz"},
        },
        ["s3://in train"],
        ["s3://out models/x/model.tar.gz"],
    ),
    "transform": (
        {
            "TransformJobArn": f"{ACCOUNT}:transform-job/x",
            "ModelName": "churn",
            "TransformInput": channel("s3://in/test/"),
            "TransformOutput": {"S3OutputPath": "s3://out"},
        },
        ["s3://in test", f"{ACCOUNT} model/churn"],
        ["s3://out /"],
    ),
    "tuning": (
        {
            "TrainingJobDefinition": {
                "InputDataConfig": [channel("s3://in/train")],
                "OutputDataConfig": {"S3OutputPath": "s3://out/models"},
            }
        },
        ["s3://in train"],
        ["s3://out models"],
    ),
    "model": (
        {
            "ModelArn": f"{ACCOUNT}:model/churn",
            "Containers": [
                {"ModelDataUrl": "s3://m/a.tar.gz"},
                {"Image": "x"},
                {"ModelPackageName": f"{ACCOUNT}:model-package/churn/3"},
            ],
        },
        ["s3://m a.tar.gz", f"{ACCOUNT} model-package/churn/3"],
        [f"{ACCOUNT} model/churn"],
    ),
    "endpoint_config": (
        {
            "EndpointConfigArn": f"{ACCOUNT}:endpoint-config/c",
            "ProductionVariants": [{"ModelName": "a"}, {"ModelName": "b"}],
        },
        [f"{ACCOUNT} model/a", f"{ACCOUNT} model/b"],
        [f"{ACCOUNT} endpoint-config/c"],
    ),
    "endpoint": (
        {
            "EndpointArn": f"{ACCOUNT}:endpoint/churn",
            "EndpointConfigName": "c",
            "DataCaptureConfig": {"DestinationS3Uri": "s3://b/capture"},
        },
        [f"{ACCOUNT} endpoint-config/c"],
        [f"{ACCOUNT} endpoint/churn", "s3://b capture"],
    ),
}


@pytest.mark.parametrize("kind", DESCRIPTIONS)
def test_inputs_and_outputs_are_found(kind: str) -> None:
    description, inputs, outputs = DESCRIPTIONS[kind]
    facets = lineage(KINDS[kind], description)
    assert [f"{dataset.namespace} {dataset.name}" for dataset in facets.inputs] == inputs
    assert [f"{dataset.namespace} {dataset.name}" for dataset in facets.outputs] == outputs


@pytest.mark.parametrize("kind", DESCRIPTIONS)
def test_a_job_without_data_has_none(kind: str) -> None:
    facets = lineage(KINDS[kind], {})
    assert (facets.inputs, facets.outputs) == ([], [])


def test_every_kind_that_an_operator_creates_has_lineage() -> None:
    kinds = {kind.key for kind in KINDS.values() if not kind.is_deletion and kind.service == "sagemaker"}
    assert kinds == set(DESCRIPTIONS)


def test_personalize_reads_and_writes() -> None:
    arn = "arn:aws:personalize:eu-west-1:123456789012:{}"
    job = {
        "solutionVersionArn": arn.format("solution/films/1"),
        "jobInput": {"s3DataSource": {"path": "s3://b/in.json"}},
        "jobOutput": {"s3DataDestination": {"path": "s3://b/out/"}},
    }
    facets = lineage(PERSONALIZE["BatchInferenceJob"], job)
    assert [(dataset.namespace, dataset.name) for dataset in facets.inputs] == [
        ("arn:aws:personalize:eu-west-1:123456789012", "solution/films/1"),
        ("s3://b", "in.json"),
    ]
    assert [(dataset.namespace, dataset.name) for dataset in facets.outputs] == [("s3://b", "out")]
