"""OpenLineage: what a job reads and writes, from its description.

S3 data is a dataset as OpenLineage names it: namespace `s3://bucket`, name = key. A SageMaker resource is one
with the start of its ARN as namespace (`arn:aws:sagemaker:eu-west-1:123456789012`) and the rest as name
(`model/churn`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jmespath

if TYPE_CHECKING:
    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.providers.openlineage.extractors.base import OperatorLineage

    from aws_ml.lifecycle.kinds import Kind

CHANNELS = "InputDataConfig[].DataSource.S3DataSource.S3Uri"
CONTAINER = "[ModelDataUrl, ModelDataSource.S3DataSource.S3Uri, ModelPackageName][]"
# JMESPath expressions over the description: S3 URIs, ARNs, or `kind/name` for a resource that is named.
INPUTS: dict[str, tuple[str, ...]] = {
    "processing": ("ProcessingInputs[].S3Input.S3Uri",),
    "training": (CHANNELS, "CheckpointConfig.S3Uri"),
    "transform": (
        "TransformInput.DataSource.S3DataSource.S3Uri",
        "ModelName && join('/', ['model', ModelName])",
    ),
    "tuning": (f"TrainingJobDefinition.{CHANNELS}", f"TrainingJobDefinitions[].{CHANNELS}"),
    "model": (f"PrimaryContainer.{CONTAINER}", f"Containers[].{CONTAINER}[]"),
    "endpoint_config": ("ProductionVariants[].join('/', ['model', ModelName])",),
    "endpoint": ("EndpointConfigName && join('/', ['endpoint-config', EndpointConfigName])",),
    "personalize_dataset_import_job": ("dataSource.dataLocation",),
    "personalize_dataset_export_job": ("datasetArn",),
    "personalize_solution_version": ("datasetGroupArn",),
    "personalize_campaign": ("solutionVersionArn",),
    "personalize_recommender": ("datasetGroupArn",),
    "personalize_batch_inference_job": ("solutionVersionArn", "jobInput.s3DataSource.path"),
    "personalize_batch_segment_job": ("solutionVersionArn", "jobInput.s3DataSource.path"),
}
OUTPUTS: dict[str, tuple[str, ...]] = {
    "processing": ("ProcessingOutputConfig.Outputs[].S3Output.S3Uri",),
    "training": ("ModelArtifacts.S3ModelArtifacts || OutputDataConfig.S3OutputPath",),
    "transform": ("TransformOutput.S3OutputPath",),
    "tuning": (
        "TrainingJobDefinition.OutputDataConfig.S3OutputPath",
        "TrainingJobDefinitions[].OutputDataConfig.S3OutputPath",
    ),
    "model": ("ModelArn",),
    "endpoint_config": ("EndpointConfigArn",),
    "endpoint": ("EndpointArn", "DataCaptureConfig.DestinationS3Uri"),
    "personalize_dataset_import_job": ("datasetArn",),
    "personalize_dataset_export_job": ("jobOutput.s3DataDestination.path",),
    "personalize_solution_version": ("solutionVersionArn",),
    "personalize_campaign": ("campaignArn",),
    "personalize_recommender": ("recommenderArn",),
    "personalize_batch_inference_job": ("jobOutput.s3DataDestination.path",),
    "personalize_batch_segment_job": ("jobOutput.s3DataDestination.path",),
}


def lineage(kind: Kind, description: dict[str, Any]) -> OperatorLineage[Any, Any]:
    """Inputs and outputs of a job, each once, in the order of the description.

    :param description: of the job; members that it lacks are skipped.
    """
    from airflow.providers.openlineage.extractors.base import OperatorLineage

    arn = str(description.get(kind.arn, ""))

    def datasets(expressions: tuple[str, ...]) -> list[Dataset]:
        parts = [jmespath.search(expression, description) for expression in expressions]
        places = [place for part in parts for place in (part if isinstance(part, list) else [part]) if place]
        return [_dataset(place, arn) for place in dict.fromkeys(places)]

    return OperatorLineage(
        inputs=datasets(INPUTS.get(kind.key, ())), outputs=datasets(OUTPUTS.get(kind.key, ()))
    )


def _dataset(place: str, arn: str) -> Dataset:
    """
    :param place: an S3 URI, an ARN, or `kind/name`.
    :param arn: of the job, whose account and region a `kind/name` shares.
    """
    from airflow.providers.common.compat.openlineage.facet import Dataset

    if place.startswith("s3://"):
        bucket, _, key = place.removeprefix("s3://").partition("/")
        return Dataset(namespace=f"s3://{bucket}", name=key.strip("/") or "/")
    whole = place if place.startswith("arn:") else f"{arn.rpartition(':')[0]}:{place}"
    account, _, name = whole.rpartition(":")
    return Dataset(namespace=account, name=name)
