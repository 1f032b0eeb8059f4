"""Resources of Personalize by name: the service itself finds them by ARN only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_ml.errors import calling
from aws_ml.lifecycle.kinds import PERSONALIZE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_ml.lifecycle.kinds import Description, Kind


def find_named(client: Any, kind: Kind, name: str, **within: str) -> Description | None:
    """The description of the newest resource of a name; None when there is no such resource.

    :param within: parameters of the List operation, such as `solutionArn`, which versions need.
    :raises JobRejected: when AWS refuses.
    :raises ServiceFault: when AWS is at fault.
    """
    for summary in sorted(summaries(client, kind, within), key=_age):
        if summary.get(kind.label, name) != name:  # a summary without the name tells nothing
            continue
        description = kind.look(client, summary[kind.arn])
        if description.get(kind.label) == name:
            return description
    return None


def below(client: Any, kind: Kind, group: str) -> list[Description]:
    """Summaries of all resources of a kind in a dataset group.

    :param group: the ARN of the dataset group.
    :raises JobRejected: when AWS refuses.
    :raises ServiceFault: when AWS is at fault.
    """
    if kind.word != "Campaign":
        return list(summaries(client, kind, {"datasetGroupArn": group}))
    solutions = below(client, PERSONALIZE["Solution"], group)  # campaigns are listed by solution
    arns = [solution["solutionArn"] for solution in solutions]
    return [campaign for arn in arns for campaign in summaries(client, kind, {"solutionArn": arn})]


def summaries(client: Any, kind: Kind, within: dict[str, str]) -> Iterator[Description]:
    """What the List operation shows of a kind, page by page.

    :param within: its parameters.
    :raises JobRejected: when AWS refuses.
    :raises ServiceFault: when AWS is at fault.
    """
    with calling(f"listing each {kind.noun}"):
        for page in client.get_paginator(kind.list).paginate(**within):
            yield from page[kind.summaries]


def _age(summary: Description) -> float:
    """A sort key: the newest first."""
    return -float(summary["creationDateTime"].timestamp())
