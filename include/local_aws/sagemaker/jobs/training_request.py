"""CreateTrainingJob's request: defaults filled in, and what the model cannot check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from include.local_aws.protocol.errors import ValidationException
from include.local_aws.sagemaker import checks
from include.local_aws.sagemaker.jobs import metrics
from include.local_aws.sagemaker.jobs.transfer import Source, TransferError

if TYPE_CHECKING:
    from include.local_aws.calls import Params
    from include.local_aws.s3.store import ObjectStore
    from include.local_aws.state import Document

DAY = 86400  # seconds: the default of MaxRuntimeInSeconds
CHECKPOINT_FOLDER = "/opt/ml/checkpoints"
NOT_DESCRIBED = ("Tags", "SessionChainingConfig")
DEFAULTS: Document = {
    "EnableNetworkIsolation": False,
    "EnableInterContainerTrafficEncryption": False,
    "EnableManagedSpotTraining": False,
    "ProfilingStatus": "Disabled",
    "StoppingCondition": {"MaxRuntimeInSeconds": DAY},
}


class Checkpoints(NamedTuple):
    """Where a training job keeps its checkpoints."""

    uri: str  # in S3
    folder: str  # in the container


def document(params: Params) -> Document:
    """The job as Describe shows it: the request with its defaults."""
    job = DEFAULTS | {member: value for member, value in params.items() if member not in NOT_DESCRIBED}
    job["StoppingCondition"] = DEFAULTS["StoppingCondition"] | job["StoppingCondition"]
    if "InputDataConfig" in job:
        defaults = {"CompressionType": "None", "RecordWrapperType": "None"}
        job["InputDataConfig"] = [defaults | channel for channel in job["InputDataConfig"]]
    algorithm = dict(job.get("AlgorithmSpecification", {}))
    if built_in(job) and algorithm:
        custom_metrics = algorithm.get("MetricDefinitions", [])
        algorithm["MetricDefinitions"] = [*custom_metrics, *metrics.xgboost_definitions()]
    return job | {"AlgorithmSpecification": algorithm}


def built_in(job: Document) -> bool:
    """Whether the XGBoost image runs as the built-in algorithm, not as a framework for a user's script."""
    algorithm = job.get("AlgorithmSpecification", {})
    custom_script = (
        "sagemaker_program" in job.get("HyperParameters", {}) or "ContainerEntrypoint" in algorithm
    )
    return "sagemaker-xgboost" in algorithm.get("TrainingImage", "") and not custom_script


def channels(job: Document) -> dict[str, Source]:
    """The data source of every input channel, by its name."""
    return {channel["ChannelName"]: _source(channel) for channel in job.get("InputDataConfig", [])}


def input_data_config(job: Document) -> dict[str, dict[str, str]]:
    """The content of /opt/ml/input/config/inputdataconfig.json."""
    config = {}
    for channel in job.get("InputDataConfig", []):
        entry = {
            "TrainingInputMode": _mode(job, channel),
            "S3DistributionType": _source(channel).distribution,
            "RecordWrapperType": channel["RecordWrapperType"],
        }
        if "ContentType" in channel:
            entry["ContentType"] = channel["ContentType"]
        config[channel["ChannelName"]] = entry
    return config


def checkpoints(job: Document) -> Checkpoints | None:
    """Where the job keeps its checkpoints; None for a job without any."""
    config = job.get("CheckpointConfig")
    return Checkpoints(config["S3Uri"], config.get("LocalPath", CHECKPOINT_FOLDER)) if config else None


def check(job: Document, store: ObjectStore) -> None:
    """Check what the service model cannot.

    :raises ValidationException: naming the member that is wrong or that this server does not support.
    """
    _check_algorithm(job)
    _check_resources(job)
    _check_stopping(job)
    metrics.MetricReader(job["AlgorithmSpecification"].get("MetricDefinitions", []))
    for channel in job.get("InputDataConfig", []):
        _check_channel(job, channel)
    channel_names = (channel["ChannelName"] for channel in job.get("InputDataConfig", []))
    checks.unique(channel_names, "InputDataConfig.ChannelName")
    checks.s3_uri(job["OutputDataConfig"]["S3OutputPath"], "OutputDataConfig.S3OutputPath")
    if target := checkpoints(job):
        checks.s3_uri(target.uri, "CheckpointConfig.S3Uri")
        checks.container_path(target.folder, "/opt/ml", "CheckpointConfig.LocalPath")
    for source in channels(job).values():
        try:
            source.objects(store)
        except TransferError as error:
            raise ValidationException(str(error).removeprefix("Data download failed:")) from error


def _check_algorithm(job: Document) -> None:
    algorithm = job["AlgorithmSpecification"]
    if "AlgorithmName" in algorithm:
        raise ValidationException(
            "AlgorithmSpecification.AlgorithmName is not supported locally; give TrainingImage."
        )
    if "TrainingImage" not in algorithm:
        raise ValidationException("AlgorithmSpecification.TrainingImage is required.")
    checks.image(algorithm["TrainingImage"], "AlgorithmSpecification.TrainingImage")


def _check_resources(job: Document) -> None:
    count = job.get("ResourceConfig", {}).get("InstanceCount")
    if count is None:
        raise ValidationException(
            "ResourceConfig.InstanceCount is required; instance groups are not supported locally."
        )
    if built_in(job) and count > 1:
        raise ValidationException(
            f"ResourceConfig.InstanceCount is {count}: the built-in XGBoost runs on one instance locally."
        )


def _check_stopping(job: Document) -> None:
    limits = job["StoppingCondition"]
    too_short = limits.get("MaxWaitTimeInSeconds", 0) < limits["MaxRuntimeInSeconds"]
    if job["EnableManagedSpotTraining"] and too_short:
        raise ValidationException(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
            "MaxRuntimeInSeconds"
        )


def _check_channel(job: Document, channel: dict[str, Any]) -> None:
    where = f"InputDataConfig {channel['ChannelName']!r}"
    s3 = channel["DataSource"].get("S3DataSource")
    if s3 is None:
        raise ValidationException(f"{where}: only S3DataSource is supported locally.")
    if s3["S3DataType"] not in ("S3Prefix", "ManifestFile"):
        raise ValidationException(f"{where}: S3DataType {s3['S3DataType']} is not supported locally.")
    if _mode(job, channel) == "Pipe":
        raise ValidationException(f"{where}: input mode Pipe is not supported locally; use File or FastFile.")
    if channel["CompressionType"] == "Gzip":
        raise ValidationException(f"{where}: CompressionType Gzip is only valid in input mode Pipe.")


def _mode(job: Document, channel: dict[str, Any]) -> str:
    return str(channel.get("InputMode", job["AlgorithmSpecification"]["TrainingInputMode"]))


def _source(channel: dict[str, Any]) -> Source:
    s3 = channel["DataSource"]["S3DataSource"]
    return Source(s3["S3Uri"], s3["S3DataType"], s3.get("S3DataDistributionType", "FullyReplicated"))
