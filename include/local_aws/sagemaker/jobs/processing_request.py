"""CreateProcessingJob's request: defaults filled in, and what the model cannot check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.local_aws.protocol.errors import ValidationException
from include.local_aws.sagemaker import checks

if TYPE_CHECKING:
    from include.local_aws.calls import Params
    from include.local_aws.state import Document

FOLDER = "/opt/ml/processing"
DAY = 86400  # seconds: the default of MaxRuntimeInSeconds
INPUT_DEFAULTS = {
    "S3DataDistributionType": "FullyReplicated",
    "S3InputMode": "File",
    "S3CompressionType": "None",
}
JOB_CONFIG = (
    "ProcessingJobName",
    "ProcessingJobArn",
    "AppSpecification",
    "Environment",
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "NetworkConfig",
    "RoleArn",
    "StoppingCondition",
)
UNSUPPORTED = {
    "DatasetDefinition": "inputs from Athena or Redshift",
    "FeatureStoreOutput": "outputs into a feature group",
}


def document(params: Params) -> Document:
    """The job as Describe shows it: the request with its defaults."""
    job = {member: value for member, value in params.items() if member != "Tags"}
    job.setdefault("StoppingCondition", {"MaxRuntimeInSeconds": DAY})
    for entry in (entries := [dict(entry) for entry in job.get("ProcessingInputs", [])]):
        entry.setdefault("AppManaged", False)
        if "S3Input" in entry:
            entry["S3Input"] = INPUT_DEFAULTS | entry["S3Input"]
    return job | {"ProcessingInputs": entries} if entries else job


def inputs(job: Document) -> list[dict[str, Any]]:
    """The S3Input of every input that SageMaker downloads (not those that the application manages)."""
    return [entry["S3Input"] for entry in _managed(job.get("ProcessingInputs", []))]


def outputs(job: Document) -> list[dict[str, Any]]:
    """The S3Output of every output that SageMaker uploads."""
    return [entry["S3Output"] for entry in _managed(job.get("ProcessingOutputConfig", {}).get("Outputs", []))]


def job_config(job: Document) -> Document:
    """The content of /opt/ml/config/processingjobconfig.json."""
    entries = [dict(entry) for entry in job.get("ProcessingInputs", [])]
    for entry in entries:
        if "S3Input" in entry:
            entry["S3Input"] = {"S3DownloadMode": "StartOfJob"} | entry["S3Input"]
    return {member: job.get(member) for member in JOB_CONFIG} | {"ProcessingInputs": entries}


def check(job: Document) -> None:
    """Check what the service model cannot.

    :raises ValidationException: naming the member that is wrong or that this server does not support.
    """
    checks.image(job["AppSpecification"]["ImageUri"], "AppSpecification.ImageUri")
    if "InstanceCount" not in job["ProcessingResources"]["ClusterConfig"]:
        raise ValidationException("ProcessingResources.ClusterConfig.InstanceCount is required.")
    input_entries = job.get("ProcessingInputs", [])
    output_entries = job.get("ProcessingOutputConfig", {}).get("Outputs", [])
    _check_entries(input_entries, "ProcessingInputs", "InputName", "S3Input")
    _check_entries(output_entries, "ProcessingOutputConfig.Outputs", "OutputName", "S3Output")
    for entry in inputs(job):
        if entry["S3InputMode"] == "Pipe":
            raise ValidationException(
                f"S3InputMode Pipe of {entry['S3Uri']} is not supported locally; use File."
            )
        if entry["S3CompressionType"] == "Gzip":
            raise ValidationException("S3CompressionType Gzip is only valid with S3InputMode Pipe.")


def _check_entries(entries: list[dict[str, Any]], where: str, name: str, kind: str) -> None:
    checks.unique((entry[name] for entry in entries), f"{where}.{name}")
    for entry in entries:
        for member, what in UNSUPPORTED.items():
            if member in entry:
                raise ValidationException(f"{where} {entry[name]!r}: {what} are not supported locally.")
        if kind not in entry:
            raise ValidationException(f"{where} {entry[name]!r} needs a {kind}.")
        checks.s3_uri(entry[kind]["S3Uri"], f"{where} {entry[name]!r}: S3Uri")
    folders = [entry[kind].get("LocalPath", "") for entry in _managed(entries)]
    for folder in folders:
        checks.container_path(folder, FOLDER, f"{where}.{kind}.LocalPath")
    checks.unique((folder.rstrip("/") for folder in folders), f"{where}.{kind}.LocalPath")


def _managed(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry for entry in entries if not entry.get("AppManaged", False)]
