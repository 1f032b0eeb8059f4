"""Schemas, dataset groups, datasets, and the jobs that bring rows in and out."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pyarrow.csv as pv
import pyarrow.parquet as pq

from include.local_aws.personalize import csv_files
from include.local_aws.personalize.errors import WorkFailed, exists, invalid
from include.local_aws.personalize.models.interactions import FEWEST_INTERACTIONS
from include.local_aws.personalize.schemas import REQUIRED, Schema
from include.local_aws.s3.store import parse_uri

if TYPE_CHECKING:
    from pathlib import Path

    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.personalize.backend import Backend
    from include.local_aws.personalize.resources import Running
    from include.local_aws.state import Document


class Datasets:
    """The operations on data."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        backend["Schema"].blocked = self._schema_used
        backend["DatasetGroup"].blocked = self._group_used
        backend["Dataset"].blocked = self._dataset_used
        backend["Dataset"].ended = lambda document: backend.storage.discard(document["datasetArn"])
        backend["DatasetGroup"].ended = lambda document: backend.storage.discard(document["datasetGroupArn"])

    def create_schema(self, params: Params, caller: Caller) -> Output:
        Schema.read(params["schema"])
        return {"schemaArn": self._backend["Schema"].create(dict(params), caller)}

    def create_dataset_group(self, params: Params, caller: Caller) -> Output:
        arn = self._backend["DatasetGroup"].create(dict(params), caller)
        return {"datasetGroupArn": arn, "domain": params.get("domain")}

    def create_dataset(self, params: Params, caller: Caller) -> Output:
        parents = self._backend.parents("Dataset", params)
        kind = params["datasetType"].capitalize()
        if kind not in REQUIRED:
            raise invalid(
                f"The dataset type has to be one of {', '.join(REQUIRED)}, not {params['datasetType']}."
            )
        schema = Schema.read(parents["schemaArn"]["schema"])
        if schema.type != kind:
            raise invalid(f"The schema is one of {schema.type}; the dataset is one of {kind}.")
        if self._backend.dataset(params["datasetGroupArn"], kind):
            raise exists(f"The dataset group has a dataset of the type {kind} already.")
        group = params["datasetGroupArn"].rpartition("/")[2]
        document = dict(params) | {"datasetType": kind.upper(), "files": [], "revision": 0}
        arn = self._backend["Dataset"].create(document, caller, suffix=f"{group}/{kind.upper()}")
        return {"datasetArn": arn}

    def create_dataset_import_job(self, params: Params, caller: Caller) -> Output:
        dataset = self._backend.parents("DatasetImportJob", params)["datasetArn"]
        mode = params.get("importMode", "FULL")
        if mode == "INCREMENTAL" and not dataset["files"]:
            raise invalid("An INCREMENTAL import needs a FULL import into the dataset before it.")
        _uri(params["dataSource"].get("dataLocation", ""))
        document = dict(params) | {"importMode": mode}
        return {
            "datasetImportJobArn": self._backend["DatasetImportJob"].create(document, caller, self._import)
        }

    def create_dataset_export_job(self, params: Params, caller: Caller) -> Output:
        self._backend.parents("DatasetExportJob", params)
        _uri(params["jobOutput"]["s3DataDestination"]["path"])
        document = dict(params) | {"ingestionMode": params.get("ingestionMode", "BULK")}
        return {
            "datasetExportJobArn": self._backend["DatasetExportJob"].create(document, caller, self._export)
        }

    # ---- the work

    def _import(self, job: Running) -> None:
        """All files of the source become Parquet; only when every row is right does the dataset change."""
        dataset = self._backend["Dataset"].get(job.document["datasetArn"])
        schema, folder = self._backend.schema(dataset), self._backend.storage.folder(dataset["datasetArn"])
        written: list[Path] = []
        try:
            rows = 0
            for info in self._backend.source(job.document["dataSource"]["dataLocation"]):
                written.append(folder / f"{uuid.uuid4().hex}.parquet")
                rows += csv_files.convert(self._backend.objects.content(info), info.key, schema, written[-1])
            if schema.type == "Interactions":
                _check_rows(rows)
        except WorkFailed:
            _unlink(written)
            raise
        self._keep(job, [path.name for path in written])

    def _keep(self, job: Running, names: list[str]) -> None:
        dataset = self._backend["Dataset"].get(job.document["datasetArn"])
        old = self._backend.files(dataset)
        if job.document["importMode"] == "INCREMENTAL":
            self._backend.touch(dataset, files=[*dataset["files"], *names])
        else:
            self._backend.touch(dataset, files=names)
            _unlink(old)

    def _export(self, job: Running) -> None:
        dataset = self._backend["Dataset"].get(job.document["datasetArn"])
        bucket, prefix = parse_uri(job.document["jobOutput"]["s3DataDestination"]["path"])
        target = self._backend.storage.folder(job.arn) / "export.csv"
        for number, file in enumerate(self._backend.files(dataset)):
            pv.write_csv(pq.read_table(file), target)
            name = f"{job.document['jobName']}-{number}.csv"
            self._backend.objects.put_file(bucket, f"{prefix.rstrip('/')}/{name}".lstrip("/"), target)
        self._backend.storage.discard(job.arn)

    # ---- what depends on what

    def _schema_used(self, document: Document) -> str:
        arn = document["schemaArn"]
        used = [d["datasetArn"] for d in self._backend["Dataset"].documents if d["schemaArn"] == arn]
        return f"The schema {arn} is used by {used[0]}." if used else ""

    def _group_used(self, document: Document) -> str:
        arn = document["datasetGroupArn"]
        words = ("Dataset", "Solution", "EventTracker", "Filter", "Recommender", "MetricAttribution")
        for word in words:
            if any(d["datasetGroupArn"] == arn for d in self._backend[word].documents):
                return f"The dataset group {arn} still has resources of the type {word}."
        return ""

    def _dataset_used(self, document: Document) -> str:
        group = document["datasetGroupArn"]
        for word in ("Solution", "EventTracker", "Recommender"):
            if any(d["datasetGroupArn"] == group for d in self._backend[word].documents):
                return (
                    f"The dataset {document['datasetArn']} cannot be deleted: its group still has a {word}."
                )
        return ""


def _check_rows(rows: int) -> None:
    if rows < FEWEST_INTERACTIONS:
        raise WorkFailed(
            f"Create failed. Dataset has fewer than {FEWEST_INTERACTIONS} interactions (it has {rows})."
        )


def _uri(uri: str) -> None:
    try:
        parse_uri(uri)
    except ValueError as error:
        raise invalid(f"The S3 location is wrong: {error}") from error


def _unlink(files: list[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)
