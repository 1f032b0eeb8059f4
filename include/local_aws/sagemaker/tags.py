"""Tags of SageMaker resources, by ARN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.local_aws.protocol.errors import ValidationException
from include.local_aws.sagemaker.listing import Listing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.state import State

MOST_TAGS = 50  # a resource (SageMaker's quota)

Tag = dict[str, str]  # {"Key": ..., "Value": ...}
TagList = list[Tag]


class TagStore:
    """The tags of every resource. Create operations call `put` even without tags: it registers the ARN."""

    def __init__(self, state: State) -> None:
        self._documents = state.collection("tags")

    def put(self, arn: str, tags: Iterable[Tag] | None = None) -> None:
        """Set the tags of a new resource.

        :raises ValidationException: for a repeated key or too many tags.
        """
        self._documents.put(arn, {"ResourceArn": arn, "Tags": _merge([], list(tags or []), arn)})

    def list(self, arn: str) -> TagList:
        """The tags, ordered by key.

        :raises ValidationException: for an ARN that no resource has.
        """
        document = self._documents.get(arn)
        if document is None:
            raise ValidationException(f"Could not find the resource {arn}.")
        tags: TagList = document["Tags"]
        return tags

    def resources(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Every ARN with its tags, tagged or not."""
        return (
            (arn, {tag["Key"]: tag["Value"] for tag in document["Tags"]})
            for arn, document in self._documents.items()
        )

    def delete(self, arn: str) -> None:
        """Delete a resource with all its tags; does nothing if there is none."""
        self._documents.delete(arn)

    def add(self, arn: str, tags: Iterable[Tag]) -> TagList:
        """Add tags, replacing those with the same key; returns all tags of the resource.

        :raises ValidationException: for a repeated key, too many tags, or an ARN that no resource has.
        """
        merged = _merge(self.list(arn), list(tags), arn)
        self._documents.update(arn, lambda document: document.update(Tags=merged))
        return merged

    def remove(self, arn: str, keys: Iterable[str]) -> None:
        """Remove the tags with these keys.

        :raises ValidationException: for an ARN that no resource has.
        """
        removed_keys = set(keys)
        remaining = [tag for tag in self.list(arn) if tag["Key"] not in removed_keys]
        self._documents.update(arn, lambda document: document.update(Tags=remaining))


class Tags:
    """The operations AddTags, ListTags and DeleteTags."""

    def __init__(self, store: TagStore) -> None:
        self._store = store
        self._listing = Listing(name="Key", sort_by="Name", order="Ascending", size=MOST_TAGS)

    def add_tags(self, params: Params, caller: Caller) -> Output:
        return {"Tags": self._store.add(params["ResourceArn"], params["Tags"])}

    def list_tags(self, params: Params, caller: Caller) -> Output:
        tags, token = self._listing.page(self._store.list(params["ResourceArn"]), params)
        return {"Tags": tags, "NextToken": token} if token else {"Tags": tags}

    def delete_tags(self, params: Params, caller: Caller) -> Output:
        self._store.remove(params["ResourceArn"], params["TagKeys"])
        return {}


def _merge(old: TagList, new: TagList, arn: str) -> TagList:
    keys = [tag["Key"] for tag in new]
    if repeated_keys := {key for key in keys if keys.count(key) > 1}:
        raise ValidationException(
            f"Tag keys must be unique; {sorted(repeated_keys)} occur more than once for {arn}."
        )
    merged = {tag["Key"]: tag for tag in [*old, *new]}
    if len(merged) > MOST_TAGS:
        raise ValidationException(f"A resource has at most {MOST_TAGS} tags; {arn} would have {len(merged)}.")
    return [merged[key] for key in sorted(merged)]
