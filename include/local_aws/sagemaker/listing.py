"""One page of a List operation: filters, order, MaxResults and NextToken, the same everywhere in SageMaker.

A page is taken first and filtered then, as in AWS: a page can hold fewer documents than asked for, or none,
and still have a token (boto3 issues 2521, 2838, 2973).

The token is the sort key of the last document of the page, not an offset. So documents created between two
pages do not repeat or hide others.
"""

from __future__ import annotations

import base64
import binascii
import json
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.local_aws.protocol.errors import ValidationException

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from include.local_aws.calls import Params
    from include.local_aws.state import Document

Key = tuple[Any, str]  # the sort value, then the name: unique


def every_document(document: Document) -> bool:
    """The filter that lets every document pass."""
    return True


@dataclass(frozen=True)
class Listing:
    """How one kind of document is listed.

    training_jobs = Listing(name="TrainingJobName", status="TrainingJobStatus", order="Ascending")
    documents, token = training_jobs.page(collection, params)
    """

    name: str  # the member that holds the name, unique among the documents
    status: str = ""  # the member that holds the status, if there is one
    sort_by: str = "CreationTime"
    order: str = "Descending"
    size: int = 10  # documents on a page without MaxResults

    def page(
        self,
        documents: Iterable[Document],
        params: Params,
        fits: Callable[[Document], bool] = every_document,
    ) -> tuple[list[Document], str | None]:
        """Those documents of a page that pass the filters of a List request, and the token of the next page.

        :param fits: a filter of the operation's own.
        :raises ValidationException: for a token that belongs to another request.
        """
        remaining = sorted(documents, key=lambda d: self._key(d, params))
        if self._order(params) == "Descending":
            remaining.reverse()
        if token := params.get("NextToken"):
            remaining = self._after(remaining, self._read(token, params), params)
        size = params.get("MaxResults", self.size)
        page = remaining[:size]
        matching = [document for document in page if self._passes(document, params) and fits(document)]
        return matching, self._token(page[-1], params) if len(remaining) > size else None

    def _order(self, params: Params) -> str:
        return str(params.get("SortOrder", self.order))

    def _key(self, document: Document, params: Params) -> Key:
        sort_by = str(params.get("SortBy", self.sort_by))
        member = {"Name": self.name, "Status": self.status}.get(sort_by, sort_by)
        return document.get(member, 0), document[self.name]

    def _passes(self, document: Document, params: Params) -> bool:
        created: float = document.get("CreationTime", 0.0)
        modified: float = document.get("LastModifiedTime", created)
        return (
            params.get("NameContains", "").lower() in document[self.name].lower()
            and params.get("StatusEquals") in (None, document.get(self.status))
            and _between(created, params.get("CreationTimeAfter"), params.get("CreationTimeBefore"))
            and _between(modified, params.get("LastModifiedTimeAfter"), params.get("LastModifiedTimeBefore"))
        )

    def _after(self, documents: list[Document], last: Key, params: Params) -> list[Document]:
        later = operator.lt if self._order(params) == "Descending" else operator.gt
        try:
            return [document for document in documents if later(self._key(document, params), last)]
        except TypeError as error:
            raise _bad_token() from error

    def _scope(self, params: Params) -> list[Any]:
        """The request that a token belongs to: everything but the token and the page size."""
        filters = {k: v for k, v in params.items() if k not in ("NextToken", "MaxResults")}
        return [self.name, json.dumps(filters, sort_keys=True, default=str)]

    def _token(self, last: Document, params: Params) -> str:
        content = [*self._scope(params), *self._key(last, params)]
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()

    def _read(self, token: str, params: Params) -> Key:
        try:
            *scope, value, name = json.loads(base64.urlsafe_b64decode(token))
        except (binascii.Error, ValueError, TypeError) as error:
            raise _bad_token() from error
        if scope != self._scope(params):
            raise _bad_token()
        return value, name


def _between(moment: float, after: float | None, before: float | None) -> bool:
    return (after is None or moment > after) and (before is None or moment < before)


def _bad_token() -> ValidationException:
    return ValidationException("The pagination token is not valid for this request.")
