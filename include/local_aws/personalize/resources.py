"""Every Personalize resource lives by this one mechanism.

CREATE PENDING → CREATE IN_PROGRESS → ACTIVE | CREATE FAILED | CREATE STOPPED
DELETE PENDING → DELETE IN_PROGRESS → gone

groups = Resources(engine, KINDS["DatasetGroup"])
arn = groups.create({"name": "movies"}, caller)              # nothing to do: ACTIVE soon
arn = imports.create(document, caller, work=lambda job: ...)  # ACTIVE when the work returns
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING

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
    from include.local_aws.state import Document, State

    Work = Callable[["Running"], None]

logger = logging.getLogger(__name__)

PENDING, IN_PROGRESS, ACTIVE = "CREATE PENDING", "CREATE IN_PROGRESS", "ACTIVE"
FAILED, STOPPING, STOPPED = "CREATE FAILED", "CREATE STOPPING", "CREATE STOPPED"
DELETE_PENDING, DELETING = "DELETE PENDING", "DELETE IN_PROGRESS"
UNFINISHED = (PENDING, IN_PROGRESS, STOPPING)
OBSERVABLE_SECONDS = 0.3  # each state on the way lasts at least so long
INTERRUPTED = "InternalServerError: the local AWS server stopped while the resource was being created."


class Running:
    """What the work behind a resource is given: its document, and whether it is to stop."""

    def __init__(self, resources: Resources, document: Document) -> None:
        self.resources, self.document = resources, document
        self.arn = str(document[resources.kind.arn])
        self.stopped = threading.Event()

    def change(self, **members: object) -> None:
        """Change what Describe shows."""
        self.resources.change(self.arn, **members)


class Engine:
    """State, threads and the tags of all resources."""

    def __init__(self, state: State, at_once: int) -> None:
        self.state = state
        self.folder = state.subfolder("personalize")
        self.tags = state.collection("personalize_tags")
        self.closing = threading.Event()
        self.running: dict[str, Running] = {}
        self._light = ThreadPoolExecutor(64, thread_name_prefix="personalize")
        self.places = threading.BoundedSemaphore(at_once)  # heavy work: training, imports, batches

    def spawn(self, action: Callable[[], None]) -> None:
        """Run in the background."""
        self._light.submit(self._logged, action)

    def pause(self) -> None:
        """Let clients see the present state."""
        self.closing.wait(OBSERVABLE_SECONDS)

    def close(self) -> None:
        """Stop all work; what ran is found as unfinished by the next server."""
        self.closing.set()
        for running in list(self.running.values()):
            running.stopped.set()
        self._light.shutdown(wait=True, cancel_futures=True)

    @staticmethod
    def _logged(action: Callable[[], None]) -> None:
        try:
            action()
        except Exception:
            logger.exception("a background step of Personalize failed")


class Resources:
    """The resources of one kind: what its Create, Describe, List and Delete operations do."""

    def __init__(self, engine: Engine, kind: Kind) -> None:
        self.engine, self.kind = engine, kind
        self.documents = engine.state.collection(f"personalize_{kind.snake}")
        self._listing = Listing(name=kind.arn, sort_by="creationDateTime", order="Ascending", size=100)
        self.ended: Callable[[Document], None] = lambda document: None  # told of every deleted document
        self.blocked: Callable[[Document], str] = lambda document: ""  # why it cannot be deleted now

    # ---- operations

    def handler(self) -> SimpleNamespace:
        """The operations that are alike for every kind, under their names."""
        snake, plural = self.kind.snake, f"{self.kind.snake}s"
        operations = {f"describe_{snake}": self._describe, f"list_{plural}": self._list}
        return SimpleNamespace(**operations, **{f"delete_{snake}": self._delete})

    def _describe(self, params: Params, caller: Caller) -> Output:
        return {self.kind.member: self.get(params[self.kind.arn])}

    def _list(self, params: Params, caller: Caller) -> Output:
        wanted = {k: v for k, v in params.items() if k not in ("nextToken", "maxResults")}
        request = {
            "MaxResults": params.get("maxResults", 100),
            "NextToken": params.get("nextToken"),
            **wanted,
        }
        found = (d for d in self.documents if all(d.get(k) == v for k, v in wanted.items()))
        documents, token = self._listing.page(found, request)
        return {self.kind.plural: documents} | ({"nextToken": token} if token else {})

    def _delete(self, params: Params, caller: Caller) -> Output:
        self.delete(params[self.kind.arn])
        return None

    # ---- life

    def get(self, arn: str) -> Document:
        """The document. Raises ResourceNotFoundException where there is none."""
        document = self.documents.get(arn)
        if document is None:
            raise not_found(f"The {self.kind.member} with arn {arn} does not exist.")
        return document

    def active(self, arn: str) -> Document:
        """The document of a resource that can be used.

        Raises ResourceNotFound; ResourceInUse while it is being made, InvalidInput where it never will be.
        """
        document = self.get(arn)
        status = document.get("status", ACTIVE)
        if status in UNFINISHED:
            raise in_use(f"{arn} is in the state {status}; it has to be ACTIVE.")
        if status not in (ACTIVE, "INACTIVE"):
            raise invalid(f"{arn} is in the state {status}; it has to be ACTIVE.")
        return document

    def change(self, arn: str, **members: object) -> Document | None:
        """Change members of a document, atomically."""

        def apply(document: Document) -> None:
            document.update(members, lastUpdatedDateTime=time.time())

        return self.documents.update(arn, apply)

    def create(
        self, document: Document, caller: Caller, work: Work | None = None, suffix: str = "", arn: str = ""
    ) -> str:
        """Store a new resource and make it ACTIVE in the background; returns its ARN.

        :param work: what has to be done for that; raises WorkFailed or WorkStopped.
        :param suffix: what follows in the ARN where the name alone does not tell the resource.
        :param arn: the whole ARN where it does not follow from kind and name.
        Raises ResourceAlreadyExists for a name that is taken, LimitExceeded.
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
        """Do the work of a resource that is pending, in the background."""
        running = Running(self, document)
        self.engine.running[running.arn] = running
        self.engine.spawn(lambda: self._live(running, work))

    def stop(self, arn: str) -> None:
        """Stop the work of a resource. Raises ResourceInUse when it is over."""
        document, running = self.get(arn), self.engine.running.get(arn)
        if document["status"] not in UNFINISHED or running is None:
            raise in_use(f"{arn} is in the state {document['status']} and cannot be stopped.")
        self.change(arn, status=STOPPING)
        running.stopped.set()

    def delete(self, arn: str) -> None:
        """Delete in the background. Raises ResourceNotFound; ResourceInUse where something depends on it."""
        document = self.get(arn)
        if document.get("status") in (*UNFINISHED, DELETE_PENDING, DELETING):
            raise in_use(f"{arn} is in the state {document['status']} and cannot be deleted now.")
        if reason := self.blocked(document):
            raise in_use(reason)
        if self.kind.stateless:
            self._remove(document)
        else:
            self.change(arn, status=DELETE_PENDING)
            self.engine.spawn(lambda: self._die(document))

    def _live(self, running: Running, work: Work | None) -> None:
        self.engine.pause()
        status, reason = ACTIVE, None
        try:
            if work is not None:
                self._work(running, work)
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

    def _work(self, running: Running, work: Work) -> None:
        """Work when there is room for it; whatever goes wrong is told."""
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

    def _die(self, document: Document) -> None:
        arn = document[self.kind.arn]
        self.engine.pause()
        self.change(arn, status=DELETING)
        self.engine.pause()
        if not self.engine.closing.is_set():
            self._remove(document)

    def _remove(self, document: Document) -> None:
        self.ended(document)
        self.documents.delete(document[self.kind.arn])
        self.engine.tags.delete(document[self.kind.arn])

    def _check_quotas(self, document: Document) -> None:
        for quota in self.kind.quotas:
            if sum(self._counts(quota, other, document) for other in self.documents) >= quota.limit:
                raise limit(_text(self.kind, quota))

    def _counts(self, quota: Quota, other: Document, document: Document) -> bool:
        beside = not quota.within or other.get(quota.within) == document.get(quota.within)
        return beside and (not quota.in_progress or other["status"] in UNFINISHED)

    def recover(self) -> None:
        """After a restart: deletions are finished, interrupted work has failed, the rest is there."""
        for document in list(self.documents):
            arn, status = document[self.kind.arn], document.get("status")
            if status in (DELETE_PENDING, DELETING):
                self._remove(document)
            elif status in UNFINISHED and self.kind.works:
                self.change(arn, status=FAILED, failureReason=INTERRUPTED)
            elif status in UNFINISHED:
                self.change(arn, status=ACTIVE)


def _text(kind: Kind, quota: Quota) -> str:
    state = "PENDING or IN_PROGRESS status" if quota.in_progress else "ACTIVE state"
    noun = kind.path.replace("-", " ")
    return f"Cannot create a {noun}. More than {quota.limit} resources with {state}."
