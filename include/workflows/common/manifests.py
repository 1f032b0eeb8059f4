"""Manifests: files in S3 that list the objects of a job's input, no more and no fewer.

To SageMaker a plain URI means every key that begins so: `churn.csv` would also read `churn.csv.2024-01-01`.
"""

from __future__ import annotations

from include.workflows.common.errors import WorkflowError
from include.workflows.common.folders import MANIFEST
from include.workflows.common.s3_documents import objects_of, read_manifest, write_json

LONGEST_NAME = 255  # bytes of the name of a file


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

    A URI may also be that of a manifest, such as the registry has of a version's data.

    :param data_uri: of a folder it ends in a slash.
    :param manifest: S3 URI, where the manifest goes.
    :raises WorkflowError: when there is no object, or a job could not have a file of its name.
    """
    if data_uri.endswith(MANIFEST):
        prefix, objects = read_manifest(data_uri)
        return write_manifest(manifest, prefix, objects)
    folder, objects = f"{data_uri.rpartition('/')[0]}/", objects_of(data_uri)
    for uri in objects:
        if any(len(name.encode()) > LONGEST_NAME for name in uri.removeprefix(folder).split("/")):
            raise WorkflowError(f"{uri}: no file in a container can have a name of over {LONGEST_NAME} bytes")
    return write_manifest(manifest, folder, objects)
