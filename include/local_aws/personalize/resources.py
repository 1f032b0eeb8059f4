"""The life cycle of every Personalize resource.

CREATE PENDING → CREATE IN_PROGRESS → ACTIVE | CREATE FAILED | CREATE STOPPED
DELETE PENDING → DELETE IN_PROGRESS → deleted

groups = Resources(engine, KINDS["DatasetGroup"])
arn = groups.create({"name": "movies"}, caller)              # no work: ACTIVE soon
arn = imports.create(document, caller, work=lambda job: ...)  # ACTIVE when the work returns
"""

from __future__ import annotations

import logging
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

from include.local_aws.personalize.engine import Engine, Running
from include.local_aws.personalize.errors import (
    WorkFailed,
    WorkStopped,
    exists,
    in_use,
    invalid,
    limit,
    not_found,
)
from include.local_aws.sagemaker.listing import Listing

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.personalize.kinds import Kind, Quota
    from include.local_aws.state import Document

    Work = Callable[[Running], None]

logger = logging.getLogger(__name__)

PENDING, IN_PROGRESS, ACTIVE = "CREATE PENDING", "CREATE IN_PROGRESS", "ACTIVE"
FAILED, STOPPING, STOPPED = "CREATE FAILED", "CREATE STOPPING", "CREATE STOPPED"
DELETE_PENDING, DELETING = "DELETE PENDING", "DELETE IN_PROGRESS"
UNFINISHED = (PENDING, IN_PROGRESS, STOPPING)
INTERRUPTED = "InternalServerError: the local AWS server stopped while the resource was being created."


class Resources:
    """The resources of one kind, with the operations Describe, List and Delete.

    :ivar on_deleted: called with the document of every deleted resource.
    :ivar delete_blocker: the reason why a resource cannot be deleted now; empty when it can.
    """

    def __init__(self, engine: Engine, kind: Kind) -> None:
        self.engine, self.kind = engine, kind
        self.documents = engine.state.collection(f"personalize_{kind.snake}")
        self._listing = Listing(name=kind.arn, sort_by="creationDateTime", order="Ascending", size=100)
        self.on_deleted: Callable[[Document], None] = lambda document: None
        self.delete_blocker: Callable[[Document], str] = lambda document: ""

    # ---- operations

    def handler(self) -> SimpleNamespace:
        """The operations that every kind has, by name."""
        snake, plural = self.kind.snake, f"{self.kind.snake}s"
        operations = {f"describe_{snake}": self._describe, f"list_{plural}": self._list}
        return SimpleNamespace(**operations, **{f"delete_{snake}": self._delete})

    def _describe(self, params: Params, caller: Caller) -> Output:
        return {self.kind.member: self.get(params[self.kind.arn])}

    def _list(self, params: Params, caller: Caller) -> Output:
        criteria = {k: v for k, v in params.items() if k not in ("nextToken", "maxResults")}
        request = {
            "MaxResults": params.get("maxResults", 100),
            "NextToken": params.get("nextToken"),
            **criteria,
        }
        matches = (d for d in self.documents if all(d.get(k) == v for k, v in criteria.items()))
        documents, token = self._listing.page(matches, request)
        return {self.kind.plural: documents} | ({"nextToken": token} if token else {})

    def _delete(self, params: Params, caller: Caller) -> Output:
        self.delete(params[self.kind.arn])
        return None

    # ---- life cycle

    def get(self, arn: str) -> Document:
        """The document of a resource.

        :raises AwsError: ResourceNotFoundException.
        """
        document = self.documents.get(arn)
        if document is None:
            raise not_found(f"The {self.kind.member} with arn {arn} does not exist.")
        return document

    def active(self, arn: str) -> Document:
        """The document of a resource that is ACTIVE (or a recommender that is INACTIVE).

        :raises AwsError: ResourceNotFoundException; ResourceInUseException while it is being created;
            InvalidInputException in any other state.
        """
        document = self.get(arn)
        status = document.get("status", ACTIVE)
        if status in UNFINISHED:
            raise in_use(f"{arn} is in the state {status}; it has to be ACTIVE.")
        if status not in (ACTIVE, "INACTIVE"):
            raise invalid(f"{arn} is in the state {status}; it has to be ACTIVE.")
        return document

    def change(self, arn: str, **members: object) -> Document | None:
        """Change members of a document atomically; returns it, or None when it does not exist."""

        def apply(document: Document) -> None:
            document.update(members, lastUpdatedDateTime=time.time())

        return self.documents.update(arn, apply)

    def create(
        self, document: Document, caller: Caller, work: Work | None = None, suffix: str = "", arn: str = ""
    ) -> str:
        """Store a new resource and make it ACTIVE in the background; returns its ARN.

        :param work: what its creation computes; it raises WorkFailed or WorkStopped.
        :param suffix: the last part of the ARN; default: the name.
        :param arn: the whole ARN, for kinds whose ARN does not follow from kind and name.
        :raises AwsError: ResourceAlreadyExistsException for a name in use; LimitExceededException.
        """
        arn = arn or caller.arn("personalize", f"{self.kind.path}/{suffix or document[self.kind.name]}")
        tags, now = document.pop("tags", None), time.time()
        document = document | {self.kind.arn: arn, "creationDateTime": now, "lastUpdatedDateTime": now}
        if not self.kind.stateless:
            document["status"] = PENDING
        with self.engine.state.transaction():
            if self.documents.get(arn) is not None:
                raise exists(f"Another resource with Arn {arn} already exists.")
            self._check_quotas(document)
            self.documents.insert(arn, document)
            self.engine.tags.put(arn, {"tags": tags or []})
        if not self.kind.stateless:
            self.start(document, work)
        return arn

    def start(self, document: Document, work: Work | None) -> None:
        """Do the work of a pending resource in the background."""
        running = Running(str(document[self.kind.arn]), document, self.change)
        self.engine.running[running.arn] = running
        self.engine.spawn(lambda: self._create(running, work))

    def stop(self, arn: str) -> None:
        """Stop the work of a resource.

        :raises AwsError: ResourceInUseException when the work has ended.
        """
        document, running = self.get(arn), self.engine.running.get(arn)
        if document["status"] not in UNFINISHED or running is None:
            raise in_use(f"{arn} is in the state {document['status']} and cannot be stopped.")
        self.change(arn, status=STOPPING)
        running.stopped.set()

    def delete(self, arn: str) -> None:
        """Delete a resource in the background.

        :raises AwsError: ResourceNotFoundException; ResourceInUseException when it is being created or
            deleted, or when another resource depends on it.
        """
        document = self.get(arn)
        if document.get("status") in (*UNFINISHED, DELETE_PENDING, DELETING):
            raise in_use(f"{arn} is in the state {document['status']} and cannot be deleted now.")
        if reason := self.delete_blocker(document):
            raise in_use(reason)
        if self.kind.stateless:
            self._remove(document)
        else:
            self.change(arn, status=DELETE_PENDING)
            self.engine.spawn(lambda: self._finish_deletion(document))

    def _create(self, running: Running, work: Work | None) -> None:
        self.engine.pause()
        status, reason = ACTIVE, None
        try:
            if work is not None:
                self._do_work(running, work)
            else:
                self._enter(running)
        except WorkFailed as error:
            status, reason = FAILED, str(error)
        except WorkStopped:
            status = STOPPED
        finally:
            if not self.engine.closing.is_set():
                self.change(running.arn, status=status, **({"failureReason": reason} if reason else {}))
            self.engine.running.pop(running.arn, None)

    def _enter(self, running: Running) -> None:
        if running.stopped.is_set():
            raise WorkStopped
        self.change(running.arn, status=IN_PROGRESS)
        self.engine.pause()

    def _do_work(self, running: Running, work: Work) -> None:
        """Do the work when a place is free; an unexpected error becomes WorkFailed and is logged."""
        while not self.engine.places.acquire(timeout=0.1):
            if running.stopped.is_set():
                raise WorkStopped
        try:
            self._enter(running)
            work(running)
        except (WorkFailed, WorkStopped):
            raise
        except Exception as error:
            logger.exception("the work of %s failed", running.arn)
            reason = f"InternalServerError: {type(error).__name__} in the local AWS; its log has the details."
            raise WorkFailed(reason) from error
        finally:
            self.engine.places.release()

    def _finish_deletion(self, document: Document) -> None:
        arn = document[self.kind.arn]
        self.engine.pause()
        self.change(arn, status=DELETING)
        self.engine.pause()
        if not self.engine.closing.is_set():
            self._remove(document)

    def _remove(self, document: Document) -> None:
        self.on_deleted(document)
        self.documents.delete(document[self.kind.arn])
        self.engine.tags.delete(document[self.kind.arn])

    def _check_quotas(self, document: Document) -> None:
        for quota in self.kind.quotas:
            if sum(self._counts(quota, other, document) for other in self.documents) >= quota.limit:
                raise limit(_text(self.kind, quota))

    def _counts(self, quota: Quota, other: Document, document: Document) -> bool:
        same_parent = not quota.within or other.get(quota.within) == document.get(quota.within)
        return same_parent and (not quota.in_progress or other["status"] in UNFINISHED)

    def recover(self) -> None:
        """After a restart: finish deletions, set interrupted work to failed, the rest to ACTIVE."""
        for document in list(self.documents):
            arn, status = document[self.kind.arn], document.get("status")
            if status in (DELETE_PENDING, DELETING):
                self._remove(document)
            elif status in UNFINISHED and self.kind.has_work:
                self.change(arn, status=FAILED, failureReason=INTERRUPTED)
            elif status in UNFINISHED:
                self.change(arn, status=ACTIVE)


def _text(kind: Kind, quota: Quota) -> str:
    state = "PENDING or IN_PROGRESS status" if quota.in_progress else "ACTIVE state"
    noun = kind.path.replace("-", " ")
    return f"Cannot create a {noun}. More than {quota.limit} resources with {state}."
