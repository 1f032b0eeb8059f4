"""Requests to SageMaker, boto3-shaped: what the operators take as `config`.

Every value may be a template; nothing here talks to AWS, so a DAG file may build them while it is parsed.
"""

from __future__ import annotations

from typing import Any

ROLE = "{{ var.value.ml_role_arn }}"
CODE_FOLDER = "/opt/ml/processing/input/code"
ALL_TRAFFIC = "AllTraffic"  # the variant of an endpoint that serves one model
USE_CASE_TAG = "aws-ml:use-case"  # what carries it belongs to the project: `clean_up` deletes nothing else

Config = dict[str, Any]


def tagged(use_case: str, config: Config) -> Config:
    """A request whose resource carries the project's tag."""
    return {**config, "Tags": [*config.get("Tags", []), {"Key": USE_CASE_TAG, "Value": use_case}]}


def tagged_group(use_case: str, config: Config) -> Config:
    """The same for a dataset group of Personalize, which spells tags in its own way."""
    return {**config, "tags": [{"tagKey": USE_CASE_TAG, "tagValue": use_case}]}


def _cluster(instance_type: str, volume_gb: int = 20) -> Config:
    return {"InstanceType": instance_type, "InstanceCount": 1, "VolumeSizeInGB": volume_gb}


def _s3_input(name: str, uri: str) -> Config:
    """The objects of a folder; of a URI that ends in `.manifest`, those that the manifest lists.

    :raises ValueError: for another URI, which would mean every key that begins so.
    """
    if not uri.endswith(("/", ".manifest", "}}")):
        raise ValueError(f"input {name}: {uri} is neither a folder, with a slash at its end, nor a .manifest")
    folder = CODE_FOLDER if name == "code" else f"/opt/ml/processing/input/{name}"
    kind = "ManifestFile" if uri.endswith(".manifest") else "S3Prefix"
    source = {"S3Uri": uri, "LocalPath": folder, "S3DataType": kind, "S3InputMode": "File"}
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
    role: str = ROLE,
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
            **({"ContainerArguments": arguments} if arguments else {}),  # an empty list is refused
        },
        "ProcessingInputs": [_s3_input(key, uri) for key, uri in inputs.items()],
        "ProcessingOutputConfig": {"Outputs": [_s3_output(key, uri) for key, uri in outputs.items()]},
        "ProcessingResources": {"ClusterConfig": _cluster(instance_type)},
        "StoppingCondition": {"MaxRuntimeInSeconds": max_runtime},
        "RoleArn": role,
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


def algorithm_container(image: str, model_data: str) -> Config:
    """A serving container of a built-in algorithm, in the middle of a pipeline that speaks CSV."""
    environment = {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv"}
    return {"Image": image, "ModelDataUrl": model_data, "Environment": environment}


def model(name: str, containers: list[Config]) -> Config:
    """A model: an inference pipeline of containers."""
    return {"ModelName": name, "Containers": containers, "ExecutionRoleArn": ROLE}


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


def variant(name: str, model_name: str, instance_type: str, weight: float = 1.0) -> Config:
    """A production variant: a model on one instance, with its share of the traffic."""
    return {
        "VariantName": name,
        "ModelName": model_name,
        "InstanceType": instance_type,
        "InitialInstanceCount": 1,
        "InitialVariantWeight": weight,
    }


def endpoint_config(name: str, *, variants: list[Config], capture: str) -> Config:
    """Production variants, every request captured below the S3 URI `capture`."""
    return {
        "EndpointConfigName": name,
        "ProductionVariants": variants,
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


def model_package(
    group: str,
    *,
    containers: list[Config],
    run: str,
    instance_type: str,
    properties: dict[str, str],
) -> Config:
    """A version of a use case's model, waiting for approval, with what it was measured by.

    :param group: name of the model package group.
    :param run: S3 URI of the training run; `evaluation/` and `baseline/` lie below it.
    :param properties: what the next steps want to know of the version.
    """

    def document(path: str) -> Config:
        return {"ContentType": "application/json", "S3Uri": f"{run}/{path}"}

    quality = {"Statistics": document("evaluation/evaluation.json")}
    data = {name: document(f"baseline/{name.lower()}.json") for name in ("Statistics", "Constraints")}
    least = {"Constraints": document("baseline/model_quality_constraints.json")}
    return {
        "ModelPackageGroupName": group,
        "ModelApprovalStatus": "PendingManualApproval",
        "InferenceSpecification": {
            "Containers": containers,
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv", "application/json"],
            "SupportedTransformInstanceTypes": [instance_type],
            "SupportedRealtimeInferenceInstanceTypes": [instance_type],
        },
        "ModelMetrics": {"ModelQuality": quality, "ModelDataQuality": data},
        "DriftCheckBaselines": {"ModelQuality": least, "ModelDataQuality": data},
        "CustomerMetadataProperties": {"run": run, **properties},
    }
