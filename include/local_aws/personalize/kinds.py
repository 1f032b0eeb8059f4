"""The kinds of Personalize resources: what distinguishes them is data."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Quota:
    """At most `limit` resources of a kind that are in one of the states, in the account or in one parent.

    :param within: the member that names the parent, such as `datasetGroupArn`; empty: the whole region.
    """

    limit: int
    within: str = ""
    in_progress: bool = False  # only those that are being created count


@dataclass(frozen=True)
class Kind:
    """One kind of resource; all its operations and members follow from one word.

    KINDS["Campaign"].arn == "campaignArn"; .member == "campaign"; .plural == "campaigns"
    """

    word: str
    name: str = "name"  # the member that holds its name
    parents: tuple[str, ...] = ()  # members that name what must exist and be ACTIVE
    quotas: tuple[Quota, ...] = ()
    stateless: bool = False  # there at once: schemas
    works: bool = False  # something is computed; what a restart interrupts has failed

    @property
    def member(self) -> str:
        return self.word[0].lower() + self.word[1:]

    @property
    def plural(self) -> str:
        return "Filters" if self.word == "Filter" else f"{self.member}s"  # the model's own spelling

    @property
    def arn(self) -> str:
        return f"{self.member}Arn"

    @property
    def snake(self) -> str:
        return self.path.replace("-", "_")

    @property
    def path(self) -> str:
        """What stands for the kind in ARNs: `dataset-import-job`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", self.word).lower()


def _job(word: str, parent: str) -> Kind:
    quotas = (Quota(5, in_progress=True),)
    return Kind(word, name="jobName", parents=(parent,), quotas=quotas, works=True)


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
        Kind("SolutionVersion", parents=("solutionArn",), quotas=(Quota(20, in_progress=True),), works=True),
        Kind("Campaign", parents=("solutionVersionArn",), quotas=(Quota(5, "datasetGroupArn"),), works=True),
        Kind("Recommender", parents=("datasetGroupArn",), quotas=(Quota(5, "datasetGroupArn"),), works=True),
        Kind("Filter", parents=("datasetGroupArn",), quotas=(Quota(30, "datasetGroupArn"),)),
        _job("BatchInferenceJob", "solutionVersionArn"),
        _job("BatchSegmentJob", "solutionVersionArn"),
        Kind("MetricAttribution", parents=("datasetGroupArn",), quotas=(Quota(1, "datasetGroupArn"),)),
    )
}
