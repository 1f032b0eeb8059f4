"""The kinds of Personalize resources, as data."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Quota:
    """At most `limit` resources of a kind, in the region or in one parent.

    :param within: the member that names the parent, such as `datasetGroupArn`; empty: the whole region.
    :param in_progress: only resources that are being created count.
    """

    limit: int
    within: str = ""
    in_progress: bool = False


@dataclass(frozen=True)
class Kind:
    """One kind of resource; the names of its operations and members follow from `word`.

    KINDS["Campaign"].arn == "campaignArn"; .member == "campaign"; .plural == "campaigns"

    :param name: the member with the resource's name.
    :param parents: members with the ARNs of resources that must be ACTIVE.
    :param stateless: the resource has no status and exists at once (schemas).
    :param has_work: its creation computes something, which fails when a restart interrupts it.
    """

    word: str
    name: str = "name"
    parents: tuple[str, ...] = ()
    quotas: tuple[Quota, ...] = ()
    stateless: bool = False
    has_work: bool = False

    @property
    def member(self) -> str:
        """Member of an answer with one resource: `datasetImportJob`."""
        return self.word[0].lower() + self.word[1:]

    @property
    def plural(self) -> str:
        """Member of an answer with a list: `datasetImportJobs`."""
        return "Filters" if self.word == "Filter" else f"{self.member}s"  # the model's own spelling

    @property
    def arn(self) -> str:
        """Member with the resource's ARN: `datasetImportJobArn`."""
        return f"{self.member}Arn"

    @property
    def snake(self) -> str:
        """Name in operations and tables: `dataset_import_job`."""
        return self.path.replace("-", "_")

    @property
    def path(self) -> str:
        """The kind's part of an ARN: `dataset-import-job`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", self.word).lower()


def _job(word: str, parent: str) -> Kind:
    quotas = (Quota(5, in_progress=True),)
    return Kind(word, name="jobName", parents=(parent,), quotas=quotas, has_work=True)


KINDS = {
    kind.word: kind
    for kind in (
        Kind("Schema", quotas=(Quota(500),), stateless=True),
        Kind("DatasetGroup", quotas=(Quota(5),)),
        Kind("Dataset", parents=("datasetGroupArn", "schemaArn")),
        _job("DatasetImportJob", "datasetArn"),
        _job("DatasetExportJob", "datasetArn"),
        Kind("EventTracker", parents=("datasetGroupArn",), quotas=(Quota(1, "datasetGroupArn"),)),
        Kind("Solution", parents=("datasetGroupArn",), quotas=(Quota(10, "datasetGroupArn"),)),
        Kind(
            "SolutionVersion", parents=("solutionArn",), quotas=(Quota(20, in_progress=True),), has_work=True
        ),
        Kind(
            "Campaign", parents=("solutionVersionArn",), quotas=(Quota(5, "datasetGroupArn"),), has_work=True
        ),
        Kind(
            "Recommender", parents=("datasetGroupArn",), quotas=(Quota(5, "datasetGroupArn"),), has_work=True
        ),
        Kind("Filter", parents=("datasetGroupArn",), quotas=(Quota(30, "datasetGroupArn"),)),
        _job("BatchInferenceJob", "solutionVersionArn"),
        _job("BatchSegmentJob", "solutionVersionArn"),
        Kind("MetricAttribution", parents=("datasetGroupArn",), quotas=(Quota(1, "datasetGroupArn"),)),
    )
}
