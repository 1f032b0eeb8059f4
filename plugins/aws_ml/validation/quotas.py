"""Whether the quotas have room for what a workflow will create, before anything is created.

Without it a workflow imports and trains, is billed, and then waits for hours for room for its campaigns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_ml.errors import JobRejected
from aws_ml.lifecycle.kinds import PERSONALIZE
from aws_ml.lifecycle.named import below, find_named, summaries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_ml.lifecycle.kinds import Kind

# The service's default quotas (developer guide, "Quotas"), in a region and in a dataset group.
IN_REGION = {"Schema": 500, "DatasetGroup": 5}
IN_GROUP = {
    **{"Solution": 10, "Campaign": 5, "Recommender": 5, "Filter": 30, "EventTracker": 1},
    "MetricAttribution": 1,
}
QUOTAS = IN_REGION | IN_GROUP


def check_quotas(
    client: Any, group: str, names: Mapping[str, Sequence[str]], quotas: Mapping[str, int]
) -> dict[str, str]:
    """How much of each quota is used when all resources exist: {"Campaign": "4 of 5"}.

    :param group: name of the dataset group that the resources belong to.
    :param names: names of the resources by kind; one that exists already needs no more room.
    :param quotas: the account's own quotas, in place of the defaults.
    :raises JobRejected: naming every kind without room; or a kind that has no quota.
    :raises ServiceFault: when AWS is at fault.
    """
    limits = QUOTAS | dict(quotas)
    if unknown := sorted(set(names) - set(limits)):
        raise JobRejected(f"There is no quota for {', '.join(unknown)}; there is for {', '.join(limits)}")
    used, missing = {}, []
    for word, names_of_kind in names.items():
        kind, limit = PERSONALIZE[word], limits[word]
        existing = _names(client, kind, group)
        new = {name for name in names_of_kind if name} - existing
        total = len(existing) + len(new)
        used[word] = f"{total} of {limit}"
        if new and total > limit:
            missing.append(
                f"{len(existing)} {kind.noun}s exist and {len(new)} would be added "
                f"({', '.join(sorted(new))}), {limit} are allowed"
            )
    if missing:
        raise JobRejected(f"Not enough room for the dataset group {group}: {'; '.join(missing)}")
    return used


def _names(client: Any, kind: Kind, group: str) -> set[str]:
    """Names of what counts against a quota: in the region, or in the dataset group if it exists."""
    if kind.word in IN_REGION:
        return {summary[kind.label] for summary in summaries(client, kind, {})}
    description = find_named(client, PERSONALIZE["DatasetGroup"], group)
    if description is None:
        return set()
    return {summary[kind.label] for summary in below(client, kind, description["datasetGroupArn"])}
