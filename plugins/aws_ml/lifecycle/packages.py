"""Versions of a model package group, the newest one first."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_ml.lifecycle.kinds import Description


def newest_packages(client: Any, group: str, most: int, **filters: str) -> Iterator[Description]:
    """Summaries of the newest versions of a group.

    AWS takes a page first and filters it then, so that a page may be empty although others follow.

    :param most: how many at most.
    :param filters: further members of ListModelPackages.
    :raises ClientError: when AWS refuses, or there is no such group.
    """
    pages = client.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending", **filters
    )
    return islice((summary for page in pages for summary in page["ModelPackageSummaryList"]), most)


def newest_package(client: Any, group: str, **filters: str) -> Description | None:
    """The summary of the newest version of a group that passes the filters; None where none does.

    :param filters: further members of ListModelPackages.
    :raises ClientError: when AWS refuses, or there is no such group.
    """
    return next(newest_packages(client, group, 1, **filters), None)
