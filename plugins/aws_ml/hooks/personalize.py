"""Amazon Personalize by an Airflow connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

from aws_ml.lifecycle.kinds import PERSONALIZE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_ml.lifecycle.kinds import Kind

Description = dict[str, Any]


class PersonalizeHook(AwsBaseHook):
    """Finds resources by name, which the service itself knows by ARN only.

    PersonalizeHook().find("Campaign", "movies", datasetGroupArn=...)["campaignArn"]
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["client_type"] = "personalize"
        super().__init__(*args, **kwargs)

    def find(self, word: str, name: str, **within: str) -> Description | None:
        """The description of a resource of a kind (Campaign, DatasetGroup ...) by name; None without one."""
        return find_named(self.conn, PERSONALIZE[word], name, **within)


def find_named(client: Any, kind: Kind, name: str, **within: str) -> Description | None:
    """The newest resource of a name.

    :param within: parameters of the List operation, such as `solutionArn`, which is needed for versions.
    """
    for summary in sorted(summaries(client, kind, within), key=_age):
        named = kind.label in summary
        if named and summary[kind.label] != name:
            continue
        description = kind.look(client, summary[kind.arn])
        if description.get(kind.label) == name:
            return description
    return None


def below(client: Any, kind: Kind, group: str) -> list[Description]:
    """What the List operation shows of a kind in a dataset group, which is named by its ARN."""
    if kind.result != "Campaign":
        return list(summaries(client, kind, {"datasetGroupArn": group}))
    solutions = below(client, PERSONALIZE["Solution"], group)  # campaigns are listed by solution
    arns = [one["solutionArn"] for one in solutions]
    return [one for arn in arns for one in summaries(client, kind, {"solutionArn": arn})]


def summaries(client: Any, kind: Kind, within: dict[str, str]) -> Iterator[Description]:
    """What the List operation shows, of all pages.

    :param within: its parameters.
    """
    for page in client.get_paginator(kind.list).paginate(**within):
        yield from page[kind.summaries]


def _age(summary: Description) -> float:
    """Newest first."""
    return -float(summary["creationDateTime"].timestamp())
