"""Lineage entities: artifacts, contexts and actions. The three differ only in data (`KINDS`).

An artifact is identified by its source: the same URI with the same source types gives the same ARN, and
creating it again is refused, as is a second context or action of the same name. (AWS says that an entity that
exists cannot be created again. That the source identifies an artifact follows from DeleteArtifact, which
takes it.)
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING

from include.local_aws.protocol.errors import ResourceLimitExceeded, ResourceNotFound, ValidationException
from include.local_aws.sagemaker import names
from include.local_aws.sagemaker.governance.registry import AUTHOR
from include.local_aws.sagemaker.listing import Listing
from include.local_aws.state import NameTaken

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.sagemaker.tags import TagStore
    from include.local_aws.state import Document, State


@dataclass(frozen=True)
class Kind:
    """A kind of entity; its members and operations follow from one word."""

    word: str  # Artifact
    most: int  # in an account (SageMaker's quota of entities created by hand)
    updatable: tuple[str, ...]  # members that Update replaces, besides the properties

    @property
    def arn(self) -> str:
        return f"{self.word}Arn"

    @property
    def name(self) -> str:
        return f"{self.word}Name"

    @property
    def type(self) -> str:
        return f"{self.word}Type"

    @property
    def snake(self) -> str:
        return self.word.lower()

    @property
    def summary_members(self) -> tuple[str, ...]:
        """The members of a summary; a kind that lacks one never shows it."""
        return self.arn, self.name, self.type, "Source", "Status", "CreationTime", "LastModifiedTime"


KINDS = (
    Kind("Artifact", 6000, ("ArtifactName",)),
    Kind("Context", 500, ("Description",)),
    Kind("Action", 3000, ("Description", "Status")),
)


class Entities:
    """The operations on the entities of one kind.

    :param connected: whether an association begins or ends at an ARN.
    """

    def __init__(
        self, kind: Kind, state: State, tags: TagStore, has_associations: Callable[[str], bool]
    ) -> None:
        self.kind, self.documents = kind, state.collection(kind.snake)  # by ARN
        self._state, self._tags, self._has_associations = state, tags, has_associations
        self._listing = Listing(name=kind.arn)

    def handler(self) -> SimpleNamespace:
        """The operations under their names."""
        snake = self.kind.snake
        operations = {"create": self._create, "describe": self._describe, "update": self._update}
        methods = {f"{verb}_{snake}": method for verb, method in operations.items()}
        return SimpleNamespace(**methods, **{f"delete_{snake}": self._delete, f"list_{snake}s": self._list})

    def get(self, arn: str) -> Document:
        """An entity by ARN.

        :raises ResourceNotFound: for an entity that does not exist.
        """
        entity = self.documents.get(arn)
        if entity is None:
            raise ResourceNotFound(f"{self.kind.word} {arn} does not exist.")
        return entity

    def _create(self, params: Params, caller: Caller) -> Output:
        kind, now = self.kind, time.time()
        arn = self._arn(params, caller)
        document = {member: value for member, value in params.items() if member != "Tags"}
        document |= {kind.arn: arn, "CreationTime": now, "LastModifiedTime": now}
        document |= {"CreatedBy": AUTHOR, "LastModifiedBy": AUTHOR}
        with self._state.transaction():
            if len(self.documents) >= kind.most:
                raise ResourceLimitExceeded(f"An account has at most {kind.most} {kind.snake}s.")
            try:
                self.documents.insert(arn, document)
            except NameTaken as error:
                raise ValidationException(f"{kind.word} already exists: {arn}") from error
            self._tags.put(arn, params.get("Tags"))
        return {kind.arn: arn}

    def _describe(self, params: Params, caller: Caller) -> Output:
        return self.get(self._arn(params, caller))

    def _update(self, params: Params, caller: Caller) -> Output:
        """New properties replace the old ones; then PropertiesToRemove are removed."""
        arn = self._arn(params, caller)

        def change(document: Document) -> None:
            document |= {member: params[member] for member in self.kind.updatable if member in params}
            properties = dict(
                params["Properties"] if "Properties" in params else document.get("Properties", {})
            )
            for name in params.get("PropertiesToRemove", []):
                properties.pop(name, None)
            document["Properties"] = properties
            document |= {"LastModifiedTime": time.time(), "LastModifiedBy": AUTHOR}

        if self.documents.update(arn, change) is None:
            self.get(arn)
        return {self.kind.arn: arn}

    def _delete(self, params: Params, caller: Caller) -> Output:
        """Delete an entity.

        :raises ValidationException: while it has associations.
        """
        arn = self._arn(params, caller)
        with self._state.transaction():
            self.get(arn)
            if self._has_associations(arn):
                raise ValidationException(f"{arn} cannot be deleted: it has associations.")
            self.documents.delete(arn)
            self._tags.delete(arn)
        return {self.kind.arn: arn}

    def _list(self, params: Params, caller: Caller) -> Output:
        page, token = self._listing.page((d for d in self.documents if self._passes(d, params)), params)
        summaries = [{member: d[member] for member in self.kind.summary_members if member in d} for d in page]
        return {f"{self.kind.word}Summaries": summaries} | ({"NextToken": token} if token else {})

    def _passes(self, document: Document, params: Params) -> bool:
        return (
            params.get("SourceUri") in (None, document["Source"]["SourceUri"])
            and params.get(self.kind.type) in (None, document[self.kind.type])
            and within(document["CreationTime"], params)
        )

    def _arn(self, params: Params, caller: Caller) -> str:
        """The ARN that a request names: directly, by an artifact's source, or by a name."""
        kind = self.kind
        if kind.arn in params:
            return str(params[kind.arn])
        if kind.word == "Artifact":
            if "Source" not in params:
                raise ValidationException("Give either ArtifactArn or Source.")
            return names.arn(caller, "artifact", _digest(params["Source"]))
        name = str(params[kind.name])
        return name if name.startswith("arn:") else names.arn(caller, kind.snake, name)


def within(moment: float, params: Params, what: str = "Created") -> bool:
    """Whether a time is within CreatedAfter and CreatedBefore (or ModifiedAfter ...), both inclusive."""
    after, before = params.get(f"{what}After", float("-inf")), params.get(f"{what}Before", float("inf"))
    return bool(after <= moment <= before)


def _digest(source: Params) -> str:
    """32 hexadecimal digits that identify an artifact's source, whatever the order of its types."""
    types = sorted((entry["SourceIdType"], entry["Value"]) for entry in source.get("SourceTypes", []))
    content = json.dumps([source["SourceUri"], types]).encode()
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
