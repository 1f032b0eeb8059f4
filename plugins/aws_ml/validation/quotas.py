"""Room for what a workflow will create, looked up before anything is created.

Without it a workflow imports and trains, is billed, and then waits for hours for room for its campaigns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_ml.errors import JobRejected, calling
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
    client: Any, group: str, wanted: Mapping[str, Sequence[str]], quotas: Mapping[str, int]
) -> dict[str, str]:
    """How much of each quota is used when what is wanted is there: {"Campaign": "4 of 5"}.

    :param group: name of the dataset group that the resources belong to.
    :param wanted: names of resources by kind; one that is there already takes no more room.
    :param quotas: the account's own quotas, in place of the defaults.
    :raises JobRejected: naming every kind without room.
    """
    limits = QUOTAS | dict(quotas)
    if unknown := sorted(set(wanted) - set(limits)):
        raise JobRejected(f"No quota is known of {', '.join(unknown)}; known are {', '.join(limits)}")
    with calling("listing what there is"):
        there = {kind: _names(client, PERSONALIZE[kind], group) for kind in wanted}
    used, missing = {}, []
    for kind, names in wanted.items():
        new = {name for name in names if name} - there[kind]
        total, limit = len(there[kind]) + len(new), limits[kind]
        used[kind] = f"{total} of {limit}"
        if new and total > limit:
            noun = PERSONALIZE[kind].noun
            more = f"{len(there[kind])} {noun}s are there and {len(new)} more are wanted"
            missing.append(f"{more} ({', '.join(sorted(new))}), {limit} are possible")
    if missing:
        raise JobRejected(f"Not enough room for the dataset group {group}: {'; '.join(missing)}")
    return used


def _names(client: Any, kind: Kind, group: str) -> set[str]:
    """Names of what counts against a quota: in the region, or in the group where there is one."""
    if kind.word in IN_REGION:
        return {one[kind.label] for one in summaries(client, kind, {})}
    found = find_named(client, PERSONALIZE["DatasetGroup"], group)
    return {one[kind.label] for one in below(client, kind, found["datasetGroupArn"])} if found else set()
