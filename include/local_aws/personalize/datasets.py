"""The operations on schemas, dataset groups, datasets, and import and export jobs."""

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
    from include.local_aws.personalize.engine import Running
    from include.local_aws.state import Document


class Datasets:
    """The operations that create data and its containers."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        backend["Schema"].delete_blocker = self._schema_blocker
        backend["DatasetGroup"].delete_blocker = self._group_blocker
        backend["Dataset"].delete_blocker = self._dataset_blocker
        backend["Dataset"].on_deleted = lambda document: backend.storage.discard(document["datasetArn"])
        backend["DatasetGroup"].on_deleted = lambda document: backend.storage.discard(
            document["datasetGroupArn"]
        )

    def create_schema(self, params: Params, caller: Caller) -> Output:
        """Store an Avro schema.

        :raises AwsError: InvalidInputException naming the field that is wrong.
        """
        Schema.read(params["schema"])
        return {"schemaArn": self._backend["Schema"].create(dict(params), caller)}

    def create_dataset_group(self, params: Params, caller: Caller) -> Output:
        """Create a dataset group.

        :raises AwsError: ResourceAlreadyExistsException; LimitExceededException.
        """
        arn = self._backend["DatasetGroup"].create(dict(params), caller)
        return {"datasetGroupArn": arn, "domain": params.get("domain")}

    def create_dataset(self, params: Params, caller: Caller) -> Output:
        """Create an empty dataset.

        :raises AwsError: InvalidInputException for an unknown type or a schema of another type;
            ResourceAlreadyExistsException when the group has a dataset of this type.
        """
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
        """Import CSV files from S3.

        :raises AwsError: InvalidInputException for a wrong S3 location, and for an INCREMENTAL import into an
            empty dataset.
        """
        dataset = self._backend.parents("DatasetImportJob", params)["datasetArn"]
        mode = params.get("importMode", "FULL")
        if mode == "INCREMENTAL" and not dataset["files"]:
            raise invalid("An INCREMENTAL import needs a FULL import into the dataset before it.")
        _check_uri(params["dataSource"].get("dataLocation", ""))
        document = dict(params) | {"importMode": mode}
        return {
            "datasetImportJobArn": self._backend["DatasetImportJob"].create(document, caller, self._import)
        }

    def create_dataset_export_job(self, params: Params, caller: Caller) -> Output:
        """Export the imported rows to S3 as CSV.

        :raises AwsError: InvalidInputException for a wrong S3 location.
        """
        self._backend.parents("DatasetExportJob", params)
        _check_uri(params["jobOutput"]["s3DataDestination"]["path"])
        document = dict(params) | {"ingestionMode": params.get("ingestionMode", "BULK")}
        return {
            "datasetExportJobArn": self._backend["DatasetExportJob"].create(document, caller, self._export)
        }

    # ---- the work

    def _import(self, job: Running) -> None:
        """Convert all files of the source to Parquet; the dataset changes only when every row is valid."""
        dataset = self._backend["Dataset"].get(job.document["datasetArn"])
        schema, folder = self._backend.schema(dataset), self._backend.storage.folder(dataset["datasetArn"])
        parquet_files: list[Path] = []
        try:
            rows = 0
            for info in self._backend.source(job.document["dataSource"]["dataLocation"]):
                parquet_files.append(folder / f"{uuid.uuid4().hex}.parquet")
                content = self._backend.objects.content(info)
                rows += csv_files.convert(content, info.key, schema, parquet_files[-1])
            if schema.type == "Interactions":
                _check_rows(rows)
        except WorkFailed:
            _unlink(parquet_files)
            raise
        self._replace_files(job, [path.name for path in parquet_files])

    def _replace_files(self, job: Running, names: list[str]) -> None:
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

    # ---- dependents

    def _schema_blocker(self, document: Document) -> str:
        arn = document["schemaArn"]
        dependents = [d["datasetArn"] for d in self._backend["Dataset"].documents if d["schemaArn"] == arn]
        return f"The schema {arn} is used by {dependents[0]}." if dependents else ""

    def _group_blocker(self, document: Document) -> str:
        arn = document["datasetGroupArn"]
        words = ("Dataset", "Solution", "EventTracker", "Filter", "Recommender", "MetricAttribution")
        for word in words:
            if any(d["datasetGroupArn"] == arn for d in self._backend[word].documents):
                return f"The dataset group {arn} still has resources of the type {word}."
        return ""

    def _dataset_blocker(self, document: Document) -> str:
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


def _check_uri(uri: str) -> None:
    try:
        parse_uri(uri)
    except ValueError as error:
        raise invalid(f"The S3 location is wrong: {error}") from error


def _unlink(files: list[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)
