"""The files of a window in S3: captured requests, their labels, interactions."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING

from include.workflows.common.folders import manifest_of
from include.workflows.common.manifests import write_manifest
from include.workflows.common.s3_documents import list_objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

log = logging.getLogger(__name__)

LABELLED = ("capture", "ground_truth")


def traffic_inputs(
    use_case: str, bucket: str, folder: str, start: datetime, places: Iterable[str] = LABELLED
) -> dict[str, str]:
    """Inputs of a processing job: what came since `start`.

    :param folder: S3 URI; the manifests are written there.
    :param places: `capture` (captured requests), `ground_truth` (labels that came for them), `interactions`.
    :return: URIs of manifests by place; a place without files is left out.
    """
    inputs = {}
    for place in places:
        files = list(_files_since(f"s3://{bucket}/{use_case}/{place}", start))
        log.info("%s: %d files since %s", place, len(files), start)
        if files:
            inputs[place] = write_manifest(manifest_of(folder, place), f"s3://{bucket}/", files)
    return inputs


def _files_since(folder: str, start: datetime) -> Iterator[str]:
    """Files of a tree `.../yyyy/mm/dd/hh/file`, from the hour of `start` on."""
    first = start.replace(minute=0, second=0, microsecond=0)
    for uri in list_objects(folder):
        hour = "/".join(uri.split("/")[-5:-1])
        try:
            moment = datetime.strptime(hour, "%Y/%m/%d/%H").replace(tzinfo=start.tzinfo)
        except ValueError:
            log.warning("%s is not in a folder of an hour: left out", uri)
            continue
        if first <= moment:
            yield uri
