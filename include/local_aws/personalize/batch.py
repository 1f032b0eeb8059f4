"""Batch inference and batch segment jobs: JSON Lines in, JSON Lines out.

Each input object becomes `<name>.out` below the output path, and an empty `_CHECK` follows when all are
written. A line that cannot be answered has an `error`; the job continues.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from include.local_aws.personalize.errors import WorkFailed, WorkStopped, invalid
from include.local_aws.personalize.filter_language import parse
from include.local_aws.personalize.recipes import RECIPES
from include.local_aws.personalize.serving import RESULTS, Query
from include.local_aws.protocol.errors import AwsError
from include.local_aws.s3.store import parse_uri

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.personalize.backend import Backend
    from include.local_aws.personalize.engine import Running
    from include.local_aws.personalize.serving import Serving
    from include.local_aws.s3.info import ObjectInfo
    from include.local_aws.state import Document

    Line = dict[str, Any]

LONGEST_LINE = 1024**2  # bytes


class BatchJobs:
    """The operations on batch jobs."""

    def __init__(self, backend: Backend, serving: Serving) -> None:
        self._backend, self._serving = backend, serving

    def create_batch_inference_job(self, params: Params, caller: Caller) -> Output:
        """Start a batch inference job.

        :raises AwsError: InvalidInputException for a recipe without batch inference, for themes, and for
            wrong S3 locations.
        """
        version = self._check("BatchInferenceJob", params)
        recipe = RECIPES[version["recipeArn"]]
        if not recipe.batch or recipe.task == "segments":
            raise invalid(f"The recipe {recipe.name} does not support batch inference jobs.")
        if params.get("batchInferenceJobMode", "BATCH_INFERENCE") != "BATCH_INFERENCE":
            raise invalid(
                "The local AWS does not generate themes: batchInferenceJobMode has to be BATCH_INFERENCE."
            )
        document = {"batchInferenceJobMode": "BATCH_INFERENCE"} | dict(params)
        return {
            "batchInferenceJobArn": self._backend["BatchInferenceJob"].create(document, caller, self._infer)
        }

    def create_batch_segment_job(self, params: Params, caller: Caller) -> Output:
        """Start a batch segment job.

        :raises AwsError: InvalidInputException for a recipe without segments, and for wrong S3 locations.
        """
        version = self._check("BatchSegmentJob", params)
        recipe = RECIPES[version["recipeArn"]]
        if recipe.task != "segments":
            raise invalid(f"The recipe {recipe.name} does not support batch segment jobs.")
        return {
            "batchSegmentJobArn": self._backend["BatchSegmentJob"].create(dict(params), caller, self._segment)
        }

    def _check(self, word: str, params: Params) -> Document:
        """Check the S3 locations; returns the solution version."""
        version = self._backend.parents(word, params)["solutionVersionArn"]
        for member in ("jobInput", "jobOutput"):
            location = next(iter(params[member].values()))["path"]
            try:
                parse_uri(location)
            except ValueError as error:
                raise invalid(f"{member}: {error}") from error
        if params["jobInput"]["s3DataSource"]["path"] == params["jobOutput"]["s3DataDestination"]["path"]:
            raise invalid("The input and the output of a batch job cannot be the same S3 location.")
        return version

    # ---- the work

    def _infer(self, job: Running) -> None:
        version = self._version(job)
        recipe = RECIPES[version["recipeArn"]]
        answer = self._rank if recipe.task == "ranking" else self._recommend
        self._process_objects(job, lambda line: answer(job, version, line))

    def _segment(self, job: Running) -> None:
        version = self._version(job)
        by_attribute = "attribute" in version["recipeArn"]
        self._process_objects(job, lambda line: self._users(job, version, line, by_attribute))

    def _version(self, job: Running) -> Document:
        return self._backend["SolutionVersion"].get(job.document["solutionVersionArn"])

    def _recommend(self, job: Running, version: Document, line: Line) -> Line:
        answers = self._serving.recommend(version, version["solutionVersionArn"], self._query(job, line))
        output: Line = {"recommendedItems": [name for name, _ in answers]}
        if RECIPES[version["recipeArn"]].scores:
            output["scores"] = [score for _, score in answers]
        return {"input": line, "output": output, "error": None}

    def _rank(self, job: Running, version: Document, line: Line) -> Line:
        answers = self._serving.rank(version, version["solutionVersionArn"], self._query(job, line))
        names, scores = zip(*answers, strict=True) if answers else ((), ())
        return {"input": line, "output": {"recommendedItems": list(names), "scores": list(scores)}}

    def _users(self, job: Running, version: Document, line: Line, by_attribute: bool) -> Line:
        attributes = line["itemAttributes"] if by_attribute else ""
        if attributes:
            parse(f"INCLUDE ItemID WHERE {attributes}")
        query = self._query(job, line)
        users = self._serving.segment(version, version["solutionVersionArn"], query, attributes)
        key = "itemAttributes" if by_attribute else "itemId"
        output = {"recommendedUsers": users}
        return {key: line[key], "output": output} if by_attribute else {"input": line, "output": output}

    @staticmethod
    def _query(job: Running, line: Line) -> Query:
        document = job.document
        config = document.get("batchInferenceJobConfig", {}).get("itemExplorationConfig", {})
        return Query(
            user=line.get("userId"),
            item=line.get("itemId"),
            items=line.get("itemList", []),
            results=document.get("numResults", RESULTS),
            context=line.get("context", {}),
            filter=document.get("filterArn"),
            values=line.get("filterValues", {}),
            config=config,
        )

    # ---- files

    def _process_objects(self, job: Running, answer: Callable[[Line], Line]) -> None:
        bucket, prefix = parse_uri(job.document["jobOutput"]["s3DataDestination"]["path"])
        folder = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
        target = self._backend.storage.folder(job.arn) / "answers.out"
        for info in self._backend.source(job.document["jobInput"]["s3DataSource"]["path"]):
            self._write(job, info, target, answer)
            self._put(bucket, f"{folder}{info.key.rpartition('/')[2]}.out", target)
        target.write_bytes(b"")
        self._put(bucket, f"{folder}_CHECK", target)
        self._backend.storage.discard(job.arn)

    def _write(self, job: Running, info: ObjectInfo, target: Path, answer: Callable[[Line], Line]) -> None:
        with target.open("w") as out, self._backend.objects.content(info).open("rb") as source:
            for number, line in _lines(source, info.key):
                if job.stopped.is_set():
                    raise WorkStopped
                out.write(json.dumps(_output_line(line, answer, f"{info.key}, line {number}")) + "\n")

    def _put(self, bucket: str, key: str, source: Path) -> None:
        try:
            self._backend.objects.put_file(bucket, key, source)
        except AwsError as error:
            raise WorkFailed(
                f"The output cannot be written: {error.message} (s3://{bucket}/{key})"
            ) from error


def _lines(source: Any, name: str) -> Iterator[tuple[int, Line]]:
    """The JSON objects of a file with their line numbers; empty lines are skipped."""
    for number, raw in enumerate(iter(lambda: source.readline(LONGEST_LINE + 1), b""), start=1):
        if len(raw) > LONGEST_LINE:
            raise WorkFailed(f"{name}, line {number}: longer than {LONGEST_LINE} bytes.")
        if raw.strip():
            try:
                line = json.loads(raw)
            except ValueError as error:
                raise WorkFailed(f"{name}, line {number}: not JSON ({error}).") from error
            if not isinstance(line, dict):
                raise WorkFailed(f"{name}, line {number}: not a JSON object.")
            yield number, line


def _output_line(line: Line, answer: Callable[[Line], Line], location: str) -> Line:
    """The answer to an input line, or the line with its error."""
    try:
        return answer(line)
    except AwsError as error:
        return {
            "input": line,
            "output": None,
            "error": {"errorCode": error.code, "errorMessage": error.message},
        }
    except KeyError as error:
        raise WorkFailed(f"{location}: {error} is missing.") from error
