"""The files of a window in S3: captured requests, their labels, interactions.

They lie in a tree `.../yyyy/mm/dd/hh/file`, hours in UTC. Its keys sort by time, so that only the hours of
the window are listed, however much has been captured before.
"""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from include.workflows.common.folders import manifest_of
from include.workflows.common.manifests import write_manifest
from include.workflows.common.s3_documents import list_folder, list_objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

log = logging.getLogger(__name__)

LABELLED = ("capture", "ground_truth")
HOUR = "%Y/%m/%d/%H/"
IN_AN_HOUR = re.compile(r"\d{4}/\d{2}/\d{2}/\d{2}/[^/]+")
DEEPEST = 4  # folders above the years: those of an endpoint and of a variant, and two more


def traffic_inputs(
    use_case: str,
    bucket: str,
    folder: str,
    start: datetime,
    places: Iterable[str] = LABELLED,
    until: datetime | None = None,
) -> dict[str, str]:
    """Inputs of a processing job: what came from the hour of `start` to the hour of `until`.

    :param folder: S3 URI; the manifests are written there.
    :param places: `capture` (captured requests), `ground_truth` (labels that came for them), `interactions`.
    :param until: default: everything that has come.
    :return: URIs of manifests by place; a place without files is left out.
    """
    inputs = {}
    for place in places:
        files = list(_files_between(f"s3://{bucket}/{use_case}/{place}", start, until))
        log.info("%s: %d files since %s", place, len(files), start)
        if files:
            inputs[place] = write_manifest(manifest_of(folder, place), f"s3://{bucket}/", files)
    return inputs


def _files_between(folder: str, start: datetime, until: datetime | None) -> Iterator[str]:
    after = f"{start.astimezone(UTC):{HOUR}}"
    before = None if until is None else f"{until.astimezone(UTC) + timedelta(hours=1):{HOUR}}"
    for tree in _trees(folder):
        for uri in list_objects(tree, after, before):
            if IN_AN_HOUR.fullmatch(uri[len(tree) + 1 :]):
                yield uri
            elif not uri.endswith("/"):
                log.warning("%s is not in a folder of an hour: left out", uri)


def _trees(folder: str, depth: int = 0) -> Iterator[str]:
    """The folders below which there are years; what lies beside these is in no window."""
    folders, objects = list_folder(folder)
    years = [name for name in folders if re.fullmatch(r"\d{4}", name)]
    below = [name for name in folders if name not in years]
    if years:
        yield folder
    elif depth < DEEPEST:
        for name in below:
            yield from _trees(f"{folder}/{name}", depth + 1)
        below = []
    for name in (*objects, *below):
        log.warning("%s/%s is not in a folder of an hour: left out", folder, name)
