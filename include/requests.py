"""Requests to SageMaker, boto3-shaped: what the operators take as `config`.

Every value may be a template; nothing here talks to AWS, so a DAG file may build them while it is parsed.
"""

from __future__ import annotations

from typing import Any

ROLE = "{{ var.value.ml_role_arn }}"
CODE_FOLDER = "/opt/ml/processing/input/code"

Config = dict[str, Any]


def _cluster(instance_type: str, volume_gb: int = 20) -> Config:
    return {"InstanceType": instance_type, "InstanceCount": 1, "VolumeSizeInGB": volume_gb}


def _s3_input(name: str, uri: str) -> Config:
    folder = CODE_FOLDER if name == "code" else f"/opt/ml/processing/input/{name}"
    source = {"S3Uri": uri, "LocalPath": folder, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": source}


def _s3_output(name: str, uri: str) -> Config:
    target = {"S3Uri": uri, "LocalPath": f"/opt/ml/processing/output/{name}", "S3UploadMode": "EndOfJob"}
    return {"OutputName": name, "S3Output": target}


def processing(
    name: str,
    *,
    image: str,
    script: str,
    inputs: dict[str, str],
    outputs: dict[str, str],
    arguments: list[str],
    instance_type: str,
    max_runtime: int = 3600,
) -> Config:
    """A processing job that runs `script` of the input `code`.

    :param inputs: S3 URI by name; `raw` appears to the script as `/opt/ml/processing/input/raw`.
    :param outputs: S3 URI by name; `train` is what it leaves in `/opt/ml/processing/output/train`.
    :param max_runtime: seconds.
    """
    return {
        "ProcessingJobName": name,
        "AppSpecification": {
            "ImageUri": image,
            "ContainerEntrypoint": ["python3", f"{CODE_FOLDER}/{script}"],
            "ContainerArguments": arguments,
        },
        "ProcessingInputs": [_s3_input(key, uri) for key, uri in inputs.items()],
        "ProcessingOutputConfig": {"Outputs": [_s3_output(key, uri) for key, uri in outputs.items()]},
        "ProcessingResources": {"ClusterConfig": _cluster(instance_type)},
        "StoppingCondition": {"MaxRuntimeInSeconds": max_runtime},
        "RoleArn": ROLE,
    }


def training(
    name: str,
    *,
    image: str,
    channels: dict[str, str],
    output: str,
    hyperparameters: dict[str, str],
    instance_type: str,
    content_type: str = "text/csv",
    max_runtime: int = 3600,
) -> Config:
    """A training job of a built-in algorithm.

    :param channels: S3 URI by channel name (`train`, `validation`).
    :param output: S3 URI; the model lands at `{output}/{name}/output/model.tar.gz`.
    """
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
        "HyperParameters": hyperparameters,
        "InputDataConfig": [
            {
                "ChannelName": channel,
                "ContentType": content_type,
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}},
            }
            for channel, uri in channels.items()
        ],
        "OutputDataConfig": {"S3OutputPath": output},
        "ResourceConfig": _cluster(instance_type),
        "StoppingCondition": {"MaxRuntimeInSeconds": max_runtime},
        "RoleArn": ROLE,
    }


def script_container(
    image: str, model_data: str, *, bundle: str, script: str, environment: dict[str, str]
) -> Config:
    """A serving container of a framework image that runs `script` of a source bundle.

    Text in, text out: in a pipeline the next container would reject the frameworks' default, JSON.
    """
    return {
        "Image": image,
        "ModelDataUrl": model_data,
        "Environment": {
            "SAGEMAKER_PROGRAM": script,
            "SAGEMAKER_SUBMIT_DIRECTORY": bundle,
            "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv",
            **environment,
        },
    }


def transform(
    name: str,
    *,
    model_name: str,
    source: str,
    output: str,
    instance_type: str,
    content_type: str = "text/csv",
) -> Config:
    """A batch transform of line-separated records, many to a request (at most 6 MB), order kept."""
    return {
        "TransformJobName": name,
        "ModelName": model_name,
        "BatchStrategy": "MultiRecord",
        "MaxPayloadInMB": 6,
        "MaxConcurrentTransforms": 1,
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": source}},
            "ContentType": content_type,
            "SplitType": "Line",
        },
        "TransformOutput": {"S3OutputPath": output, "Accept": content_type, "AssembleWith": "Line"},
        "TransformResources": {"InstanceType": instance_type, "InstanceCount": 1},
    }


def endpoint_config(name: str, *, model_name: str, instance_type: str, capture: str) -> Config:
    """One variant that takes all traffic, every request captured below the S3 URI `capture`."""
    return {
        "EndpointConfigName": name,
        "ProductionVariants": [
            {
                "VariantName": "AllTraffic",
                "ModelName": model_name,
                "InstanceType": instance_type,
                "InitialInstanceCount": 1,
                "InitialVariantWeight": 1.0,
            }
        ],
        "DataCaptureConfig": {
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": capture,
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {
                "CsvContentTypes": ["text/csv"],
                "JsonContentTypes": ["application/json"],
            },
        },
    }
