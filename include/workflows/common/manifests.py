"""Manifests: files in S3 that list the objects of a job's input, no more and no fewer.

To SageMaker a plain URI means every key that begins so: `churn.csv` would also read `churn.csv.2024-01-01`.

The name of a manifest carries the digest of what it lists. So a task that is cleared and lists something
else makes another request, for which no job of an earlier try is used; and a manifest that was read stays.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from include.workflows.common.errors import WorkflowError
from include.workflows.common.folders import MANIFEST, manifest_of
from include.workflows.common.s3_documents import etags_of, exists, read_manifest, write_json

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_NAME = 255  # bytes of the name of a file
DIGEST_LENGTH = 16


def write_manifest(
    folder: str, name: str, prefix: str, objects: list[str], contents: Iterable[str] = ()
) -> str:
    """Write the manifest of an input and return the digest of what it lists, which `manifest_of` takes.

    :param folder: S3 URI of what the run leaves.
    :param name: of the input.
    :param prefix: S3 URI that ends in a slash; below it lie all the objects; the rest of an object's URI
        is its path in the job's input.
    :param objects: S3 URIs.
    :param contents: ETags of the objects, where they may be written again.
    """
    text = json.dumps([prefix, objects, *contents])
    listing = hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]
    paths = (each.removeprefix(prefix) for each in objects)
    uri = manifest_of(folder, name, listing)
    if not exists(uri):  # a job may have read it, and would else count as older than its input
        write_json(uri, [{"prefix": prefix}, *paths])
    return listing


def pin(data_uri: str, folder: str, name: str) -> str:
    """Write a manifest of the object, or of all objects of the folder, that a URI names.

    A URI may also be that of a manifest, such as the registry has of a version's data.

    :param data_uri: of a folder it ends in a slash.
    :param folder, name: of the input, as `write_manifest` takes them.
    :return: the digest of what the manifest lists, and of the objects' contents.
    :raises WorkflowError: when there is no object, or a job could not have a file of its name.
    """
    if data_uri.endswith(MANIFEST):
        prefix, objects = read_manifest(data_uri)
        return write_manifest(folder, name, prefix, objects)
    prefix, etags = f"{data_uri.rpartition('/')[0]}/", etags_of(data_uri)
    for uri in etags:
        if any(len(part.encode()) > LONGEST_NAME for part in uri.removeprefix(prefix).split("/")):
            raise WorkflowError(f"{uri}: no file in a container can have a name of over {LONGEST_NAME} bytes")
    return write_manifest(folder, name, prefix, list(etags), etags.values())
