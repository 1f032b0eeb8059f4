"""Folders in the bucket that several workflows name: `s3://<bucket>/<use case>/...`."""

from __future__ import annotations

RUN_KEY = "{{ macros.aws_ml.run_key(dag_run) }}"
MANIFEST = ".manifest"  # how the name of a file ends that lists the objects of a job's input
SHARED_CODE = "monitoring"  # the folder of the job scripts of drift_monitor and retraining


def run_folder(use_case: str, bucket: str, key: str = RUN_KEY) -> str:
    """S3 URI of what a run leaves; the arguments may be templates.

    :param key: of the run; default: a template of the current run's key.
    """
    return f"s3://{bucket}/{use_case}/runs/{key}"


def manifest_of(folder: str, name: str, listing: str) -> str:
    """S3 URI of the manifest of an input; the arguments may be templates.

    :param listing: digest of what the manifest lists.
    """
    return f"{folder}/inputs/{name}-{listing}{MANIFEST}"


def capture_folder(use_case: str, bucket: str) -> str:
    """S3 URI of the captured requests of a use case's endpoint; the bucket may be a template."""
    return f"s3://{bucket}/{use_case}/capture"
