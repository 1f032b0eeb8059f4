"""Manifests: files in S3 that list the objects of a job's input, no more and no fewer.

To SageMaker a plain URI means every key that begins so: `churn.csv` would also read `churn.csv.2024-01-01`.
"""

from __future__ import annotations

from include.workflows.common.folders import MANIFEST
from include.workflows.common.s3_documents import objects_of, write_json


def write_manifest(uri: str, prefix: str, objects: list[str]) -> str:
    """Write a manifest and return its URI.

    :param prefix: S3 URI that ends in a slash; below it lie all the objects; the rest of an object's URI
        is its path in the job's input.
    :param objects: S3 URIs.
    """
    write_json(uri, [{"prefix": prefix}, *(each.removeprefix(prefix) for each in objects)])
    return uri


def pin(data_uri: str, manifest: str) -> str:
    """Write a manifest of the object, or of all objects of the folder, that a URI names; return its URI.

    A URI of a manifest is returned as it is.

    :param data_uri: of a folder it ends in a slash.
    :param manifest: S3 URI, where the manifest goes.
    :raises WorkflowError: when there is no object.
    """
    if data_uri.endswith(MANIFEST):
        return data_uri
    return write_manifest(manifest, f"{data_uri.rpartition('/')[0]}/", objects_of(data_uri))
