"""The shared parts of all operations of Personalize: resources by kind, rows, S3."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from include.local_aws.personalize.engine import Engine
from include.local_aws.personalize.errors import WorkFailed
from include.local_aws.personalize.kinds import KINDS
from include.local_aws.personalize.resources import Resources
from include.local_aws.personalize.schemas import Schema
from include.local_aws.personalize.storage import Storage
from include.local_aws.protocol.errors import AwsError
from include.local_aws.s3.store import parse_uri

if TYPE_CHECKING:
    from pathlib import Path

    from include.local_aws.calls import Params
    from include.local_aws.personalize.storage import Row
    from include.local_aws.s3.info import ObjectInfo
    from include.local_aws.s3.store import ObjectStore
    from include.local_aws.state import Document, State

NO_ACCESS = "Insufficient privileges for accessing data in Amazon S3"
ID_OF = {"Items": "ITEM_ID", "Users": "USER_ID"}
Rows = dict[str, "Row"]


class Backend:
    """Resources by kind, and their data.

    backend["Campaign"].get(arn)
    """

    def __init__(self, state: State, objects: ObjectStore, at_once: int) -> None:
        self.engine = Engine(state, at_once)
        self.storage = Storage(state, self.engine.folder)
        self.objects = objects
        self._kinds = {word: Resources(self.engine, kind) for word, kind in KINDS.items()}
        self._rows: dict[str, tuple[int, Rows]] = {}

    def __getitem__(self, word: str) -> Resources:
        return self._kinds[word]

    def kinds(self) -> list[Resources]:
        """The resources of every kind."""
        return list(self._kinds.values())

    def parents(self, word: str, params: Params) -> dict[str, Document]:
        """The documents of a new resource's parents, by member.

        :raises AwsError: ResourceNotFoundException for a missing parent; ResourceInUseException or
            InvalidInputException for a parent that is not ACTIVE.
        """
        by_arn = {kind.arn: name for name, kind in KINDS.items()}
        return {
            member: self[by_arn[member]].active(params[member])
            for member in KINDS[word].parents
            if member in params
        }

    def source(self, uri: str) -> list[ObjectInfo]:
        """The object that a job reads, or the objects below a folder.

        :raises WorkFailed: when the bucket does not exist or has no such object.
        """
        bucket, key = parse_uri(uri)
        try:
            objects = [info for info in self.objects.list(bucket, key) if not info.key.endswith("/")]
        except AwsError as error:
            raise WorkFailed(f"{NO_ACCESS}: {error.message} ({uri})") from error
        folder = f"{key.rstrip('/')}/" if key else ""
        matching = [info for info in objects if info.key == key or info.key.startswith(folder)]
        if not matching:
            raise WorkFailed(f"{NO_ACCESS}: there is nothing at {uri}.")
        return matching

    # ---- datasets

    def dataset(self, group: str, kind: str) -> Document | None:
        """A dataset group's dataset of a type (Interactions, Users, Items); None when it has none."""
        datasets = (d for d in self["Dataset"].documents if d["datasetGroupArn"] == group)
        return next((d for d in datasets if d["datasetType"].lower() == kind.lower()), None)

    def schema(self, dataset: Document) -> Schema:
        """The schema of a dataset.

        :raises AwsError: ResourceNotFoundException.
        """
        return Schema.read(self["Schema"].get(dataset["schemaArn"])["schema"])

    def files(self, dataset: Document) -> list[Path]:
        """The imported files, oldest first."""
        folder = self.storage.folder(dataset["datasetArn"])
        return [folder / name for name in dataset.get("files", [])]

    def rows(self, group: str, kind: str) -> Rows:
        """All rows of users or items by identifier; newer rows replace older ones. Cached until a change."""
        dataset = self.dataset(group, kind)
        if dataset is None:
            return {}
        arn, revision = dataset["datasetArn"], dataset.get("revision", 0)
        if self._rows.get(arn, (None,))[0] != revision:
            self._rows[arn] = revision, self._read(dataset, ID_OF[kind])
        return self._rows[arn][1]

    def _read(self, dataset: Document, identifier: str) -> Rows:
        rows: Rows = {}
        for file in self.files(dataset):
            rows |= {row[identifier]: row for row in pq.read_table(file).to_pylist()}
        for row in self.storage.get_rows(dataset["datasetArn"]):
            rows[row[identifier]] = rows.get(row[identifier], {}) | row
        return rows

    def write_rows(self, group: str, kind: str, columns: list[str], target: Path) -> None:
        """Write rows of users or items to one Parquet file of texts, the input of a training."""
        rows = self.rows(group, kind)
        table: dict[str, list[object]] = {ID_OF[kind]: list(rows)}
        for column in columns:
            table[column] = [row.get(column) for row in rows.values()]
        texts = {name: [None if v is None else str(v) for v in values] for name, values in table.items()}
        pq.write_table(pa.table({name: pa.array(v, pa.string()) for name, v in texts.items()}), target)

    def touch(self, dataset: Document, **members: object) -> None:
        """Mark a dataset's rows as changed, so that caches are read again."""
        revision = dataset.get("revision", 0) + 1
        self["Dataset"].change(dataset["datasetArn"], revision=revision, **members)
