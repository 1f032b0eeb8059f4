"""Resource Groups Tagging API: the tagged resources of SageMaker and Personalize, by tag and type.

AWS also lists resources that had tags once and have none now; this server does not.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from include.local_aws.protocol.errors import AwsError, ValidationException
from include.local_aws.sagemaker.listing import Listing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.state import Document

    TaggedResource = tuple[str, dict[str, str]]  # ARN, tags
    Source = Callable[[], Iterable[TaggedResource]]

ARNS, FILTERS = "ResourceARNList", ("TagFilters", "ResourceTypeFilters")
SIZES = ("ResourcesPerPage", "TagsPerPage")
LIMITS = {"ResourcesPerPage": (1, 100), "TagsPerPage": (100, 500)}
POLICIES = ("IncludeComplianceDetails", "ExcludeCompliantResources")
PER_PAGE = 50


class InvalidParameter(AwsError):
    """Parameters that exclude each other, or are out of range."""

    def __init__(self, message: str) -> None:
        super().__init__("InvalidParameterException", message)


class Tagging:
    """The operations GetResources, GetTagKeys and GetTagValues.

    :param sources: each returns every resource of a service with its tags.
    """

    def __init__(self, *sources: Source) -> None:
        self._sources = sources
        self._resources = Listing(name="ResourceARN", sort_by="Name", order="Ascending", size=PER_PAGE)
        self._words = Listing(name="Word", sort_by="Name", order="Ascending", size=PER_PAGE)

    def get_resources(self, params: Params, caller: Caller) -> Output:
        """A page of the resources of the caller's region that have all the tags and one of the types.

        :raises InvalidParameter: naming the members that are wrong.
        """
        _check(params)
        resources = [
            {"ResourceARN": arn, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
            for arn, tags in self._tagged_resources(caller)
            if _has_tags(tags, params) and _has_type(arn, params) and arn in params.get(ARNS, [arn])
        ]
        page, token = _page(self._resources, resources, params, params.get("ResourcesPerPage", PER_PAGE))
        fitting_count = _fitting_count(page, params.get("TagsPerPage", LIMITS["TagsPerPage"][1]))
        if fitting_count < len(page):
            page, token = _page(self._resources, resources, params, fitting_count)
        return {"ResourceTagMappingList": page, "PaginationToken": token}

    def get_tag_keys(self, params: Params, caller: Caller) -> Output:
        keys = {key for _, tags in self._tagged_resources(caller) for key in tags}
        page, token = _page(self._words, [{"Word": key} for key in keys], params, PER_PAGE)
        return {"TagKeys": [entry["Word"] for entry in page], "PaginationToken": token}

    def get_tag_values(self, params: Params, caller: Caller) -> Output:
        values = {tags[params["Key"]] for _, tags in self._tagged_resources(caller) if params["Key"] in tags}
        page, token = _page(self._words, [{"Word": value} for value in values], params, PER_PAGE)
        return {"TagValues": [entry["Word"] for entry in page], "PaginationToken": token}

    def _tagged_resources(self, caller: Caller) -> Iterator[TaggedResource]:
        scope = [caller.region, caller.account]
        for source in self._sources:
            yield from ((arn, tags) for arn, tags in source() if tags and arn.split(":")[3:5] == scope)


def _check(params: Params) -> None:
    """Check what the service model cannot.

    :raises InvalidParameter: naming the members that are wrong.
    """
    if ARNS in params:
        for member in (*FILTERS, *SIZES, "PaginationToken"):
            if params.get(member):
                raise InvalidParameter(f"{ARNS} and {member} cannot be given together.")
    for member, (least, most) in LIMITS.items():
        if not least <= params.get(member, most) <= most:
            raise InvalidParameter(f"{member} must be from {least} to {most}.")
    for member in POLICIES:
        if params.get(member):
            raise InvalidParameter(f"{member}: the local AWS has no tag policies.")


def _has_tags(tags: dict[str, str], params: Params) -> bool:
    """Whether tags have every filter's key, with one of its values if it has any."""
    return all(
        tag_filter["Key"] in tags
        and (not tag_filter.get("Values") or tags[tag_filter["Key"]] in tag_filter["Values"])
        for tag_filter in params.get("TagFilters", [])
    )


def _has_type(arn: str, params: Params) -> bool:
    """`sagemaker` fits every ARN of the service, `sagemaker:endpoint` those of its endpoints."""
    types = params.get("ResourceTypeFilters")
    service, resource = arn.split(":")[2], arn.split(":")[5].partition("/")[0]
    return not types or service in types or f"{service}:{resource}" in types


def _fitting_count(page: list[Document], most: int) -> int:
    """How many resources of a page have at most `most` tags in total; at least one."""
    return max(1, sum(total <= most for total in accumulate(len(entry["Tags"]) for entry in page)))


def _page(listing: Listing, entries: list[Document], params: Params, size: int) -> tuple[list[Document], str]:
    """A page, and the next page's token ('' for none).

    :raises InvalidParameter: for a token that belongs to another request.
    """
    scope = {member: params[member] for member in (*FILTERS, "Key") if member in params}
    request = {**scope, "NextToken": params.get("PaginationToken"), "MaxResults": size}
    try:
        page, token = listing.page(entries, request)
    except ValidationException as error:
        raise InvalidParameter(error.message) from error
    return page, token or ""
