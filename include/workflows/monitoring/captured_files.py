"""The files of a window in S3: captured requests, their labels, interactions.

They lie in a tree `.../yyyy/mm/dd/hh/file`, hours in UTC. Its keys sort by time, so that only the hours of
the window are listed, however much has been captured before.
"""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from include.workflows.common.folders import manifest_of
from include.workflows.common.manifests import write_manifest
from include.workflows.common.s3_documents import list_folder, list_objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from include.use_cases.definition import UseCase

log = logging.getLogger(__name__)

LABELLED = ("capture", "ground_truth")
HOUR = "%Y/%m/%d/%H/"
YEAR, AFTER_YEARS = re.compile(r"\d{4}"), ":"  # which sorts after all digits
IN_AN_HOUR = re.compile(r"\d{4}/\d{2}/\d{2}/\d{2}/[^/]+")
DEEPEST = 4  # folders above the years: those of an endpoint and of a variant, and two more


class Traffic(NamedTuple):
    """What came for a use case: inputs of a job by place, and what lies in no hour and is left out."""

    inputs: dict[str, str]
    strays: list[str]

    @property
    def faults(self) -> list[str]:
        """What is left out, in words."""
        return [f"{stray} is not in a folder of an hour, and is left out" for stray in self.strays]


def labelled_traffic(case: UseCase, bucket: str, folder: str, since: datetime, until: datetime) -> Traffic:
    """Inputs of a processing job: labels that arrived in a span, and the requests that they may be of.

    A label may come weeks after its request. So its arrival, which is when its object was written, decides
    what is learned from; each arrives once.

    :param folder: S3 URI; the manifests are written there.
    :param since, until: the first moment of the span, and the first one after it.
    :return: without labels there are no requests either.
    """
    start = oldest_request(case, since)
    labels = traffic_inputs(case.name, bucket, folder, start, ("ground_truth",), written=(since, until))
    if not labels.inputs:
        return labels
    requests = traffic_inputs(case.name, bucket, folder, start, ("capture",))
    return Traffic(requests.inputs | labels.inputs, requests.strays + labels.strays)


def oldest_request(case: UseCase, since: datetime) -> datetime:
    """When the oldest request may have come whose label arrives from a moment on."""
    return since - timedelta(days=case.label_days)


def traffic_inputs(
    use_case: str,
    bucket: str,
    folder: str,
    start: datetime,
    places: Iterable[str] = LABELLED,
    until: datetime | None = None,
    written: tuple[datetime, datetime] | None = None,
) -> Traffic:
    """Inputs of a processing job: what came from the hour of `start` to the hour of `until`.

    :param folder: S3 URI; the manifests are written there.
    :param places: `capture` (captured requests), `ground_truth` (labels that came for them), `interactions`.
    :param until: default: everything that has come.
    :param written: only files that were written from the first moment on and before the second one.
    :return: URIs of manifests by place; a place without files is left out.
    """
    traffic = Traffic({}, [])
    for place in places:
        tree = f"s3://{bucket}/{use_case}/{place}"
        files = list(_files_between(tree, start, until, written, traffic.strays))
        log.info("%s: %d files since %s", place, len(files), start)
        if files:
            listing = write_manifest(folder, place, f"s3://{bucket}/", files)
            traffic.inputs[place] = manifest_of(folder, place, listing)
    for fault in traffic.faults:
        log.warning(fault)
    return traffic


def _files_between(
    folder: str,
    start: datetime,
    until: datetime | None,
    written: tuple[datetime, datetime] | None,
    strays: list[str],
) -> Iterator[str]:
    after = f"{start.astimezone(UTC):{HOUR}}"
    before = AFTER_YEARS if until is None else f"{until.astimezone(UTC) + timedelta(hours=1):{HOUR}}"
    for tree in _trees(folder, strays):
        for uri in list_objects(tree, after, before, written):
            path = uri[len(tree) + 1 :]
            if IN_AN_HOUR.fullmatch(path):
                yield uri
            elif YEAR.fullmatch(path.partition("/")[0]) and not path.endswith("/"):
                strays.append(uri)


def _trees(folder: str, strays: list[str], depth: int = 0) -> Iterator[str]:
    """The folders below which there are years, and those beside the years; what lies in none is a stray."""
    folders, objects = list_folder(folder)
    strays += (f"{folder}/{name}" for name in objects)
    if any(YEAR.fullmatch(name) for name in folders):
        yield folder
    for name in (name for name in folders if not YEAR.fullmatch(name)):
        if depth < DEEPEST:
            yield from _trees(f"{folder}/{name}", strays, depth + 1)
        else:
            strays.append(f"{folder}/{name}/")
