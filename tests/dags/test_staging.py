"""Raw data in S3: as it is where it is canonical, converted where it is not, a user's own or the sample."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from include.aws.sagemaker_requests import processing
from include.use_cases.definition import Join, Kind, RawFormat
from include.workflows.common.errors import WorkflowError
from include.workflows.common.folders import manifest_of
from include.workflows.common.s3_documents import lines_of, write_json
from include.workflows.common.staging import stage_table
from scripts import local_settings as local

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS: dict[str, Kind] = {"age": "number", "job": "category", "income": "label"}
RUN = f"s3://{local.BUCKET}/own"
RAW = RawFormat(header=False, strip=True, missing=("?",))


def stage(uris: dict[str, str], raw: RawFormat, columns: dict[str, Kind] = COLUMNS) -> dict[str, Any]:
    function: Any = stage_table.function
    staged: dict[str, Any] = function(local.BUCKET, uris, columns, asdict(raw), RUN, "raw")
    return staged


def put(text: str, name: str = "people.data", folder: str = "") -> str:
    """The URI of a new object with that text."""
    key = f"own/{folder or uuid.uuid4().hex}/{name}"
    boto3.client("s3").put_object(Bucket=local.BUCKET, Key=key, Body=text.encode())
    return f"s3://{local.BUCKET}/{key}"


def read(uri: str) -> str:
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    return str(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode())


@pytest.fixture
def samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of data sets with two tables."""
    for name, text in {"people": "39, clerk, low\n?, ?, high\n", "jobs": "clerk, 1\n"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.data").write_text(text)
    monkeypatch.setenv("ML_DATASETS_DIR", str(tmp_path))
    return tmp_path


def test_the_sample_is_staged_as_a_canonical_table(aws: str, samples: Path) -> None:
    staged = stage({"people": ""}, RAW)
    assert read(staged["uri"]) == "age,job,income\n39,clerk,low\n,?,high\n"
    assert staged["rows"] == 2
    assert staged["uri"].startswith(f"s3://{local.BUCKET}/people/data/")
    assert staged["uri"].endswith("/people.csv")
    assert stage({"people": ""}, RAW) == staged


def test_a_users_own_raw_file_is_converted_and_its_canonical_file_is_taken_as_it_is(aws: str) -> None:
    raw, canonical = put("20, cook, high\n"), put("age,job,income\n20,cook,high\n")
    converted = stage({"people": raw}, RAW)
    assert read(converted["uri"]) == read(canonical)
    assert converted["source"] == f"own data, {raw}"
    staged = stage({"people": canonical}, RAW)
    assert (staged["uri"], staged["source"], staged["rows"]) == (canonical, f"own data, {canonical}", 1)


def test_an_own_file_with_the_canonical_header_is_still_cleaned(aws: str) -> None:
    """A raw format of header and commas: what is missing has its own text there."""
    raw = RawFormat(strip=True, missing=("?",))
    own = put("age,job,income\n?, cook,high\n")
    assert read(stage({"people": own}, raw)["uri"]) == "age,job,income\n,cook,high\n"


def test_a_retraining_needs_no_joined_table(aws: str) -> None:
    """Its data is canonical: nothing is left to join, and no sample of the joined table is looked for."""
    raw = RawFormat(joins=(Join("pay", "id"),))
    columns: dict[str, Kind] = {"id": "ignore", "pay": "number", "left": "label"}
    own = put("id,pay,left\n1,5,no\n")
    assert stage({"people": own, "pay": ""}, raw, columns)["uri"] == own


def test_an_object_that_does_not_exist_is_named(aws: str) -> None:
    uri = f"s3://{local.BUCKET}/nothing/here.csv"
    with pytest.raises(WorkflowError, match=uri):
        stage({"people": uri}, RAW)


def test_data_of_the_canonical_format_is_never_read(aws: str) -> None:
    """The preprocessing job does, which is where a large file belongs."""
    uri = put("what ever")
    staged = stage({"people": uri}, RawFormat())
    assert (staged["uri"], staged["source"], staged["rows"]) == (uri, f"own data, {uri}", None)


def test_a_joined_table_is_the_sample_or_a_users_own(aws: str) -> None:
    columns: dict[str, Kind] = {"id": "ignore", "pay": "number", "left": "label"}
    raw = RawFormat(joins=(Join("pay", "id"),))
    people, pay = put("id,left\n1,no\n2,yes\n"), put("id,pay\n2,7\n1,5\n")
    assert (
        read(stage({"people": people, "pay": pay}, raw, columns)["uri"]) == "id,pay,left\n1,5,no\n2,7,yes\n"
    )


def test_a_line_ends_at_lf_or_crlf_and_nowhere_else() -> None:
    """`str.splitlines` also cuts at U+2028 and form feeds: `verify` would compare fragments of rows."""
    assert lines_of("a\u2028b\r\nc\x0cd\n\ne") == ["a\u2028b", "c\x0cd", "", "e"]
    assert lines_of("") == []


CANONICAL = "age,job,income\n20,cook,high\n"
ODD_NAME = "people (final), v2 & more? #1 ü " + "x" * 200 + ".csv"


def pinned(staged: dict[str, Any]) -> list[Any]:
    """The manifest of staged data."""
    manifest: list[Any] = json.loads(read(manifest_of(RUN, "raw", staged["listing"])))
    return manifest


@pytest.mark.parametrize("name", ["people.csv", ODD_NAME, "people.csv.2024-01-01.csv"])
def test_a_run_reads_the_object_that_was_named_and_none_that_begins_so(aws: str, name: str) -> None:
    """SageMaker reads a plain URI as a prefix: `people.csv` is also the beginning of last year's file."""
    folder = uuid.uuid4().hex
    uris = {
        each: put(CANONICAL, each, folder) for each in ("people.csv", "people.csv.2024-01-01.csv", ODD_NAME)
    }
    staged = stage({"people": uris[name]}, RawFormat())
    assert staged["uri"] == uris[name]
    assert pinned(staged) == [{"prefix": f"s3://{local.BUCKET}/own/{folder}/"}, name]


def test_a_folder_is_read_whole_as_it_is_when_the_run_begins(aws: str) -> None:
    folder = uuid.uuid4().hex
    for name in ("a.csv", "b.csv", "marker/"):
        put(CANONICAL, name, folder)
    staged = stage({"people": f"s3://{local.BUCKET}/own/{folder}/"}, RawFormat())
    assert pinned(staged) == [{"prefix": f"s3://{local.BUCKET}/own/{folder}/"}, "a.csv", "b.csv"]


@pytest.mark.parametrize("ending", ["", "/", "/people"])
def test_data_that_does_not_exist_is_named_before_the_first_job(aws: str, ending: str) -> None:
    uri = put(CANONICAL, "people.csv").removesuffix(".csv") + ending  # the beginning of a name is no object
    with pytest.raises(WorkflowError, match="holds no object. A folder is named with a slash at its end"):
        stage({"people": uri}, RawFormat())


def test_a_name_that_no_file_can_have_is_named_before_the_first_job(aws: str) -> None:
    uri = put(CANONICAL, "x" * 256)
    with pytest.raises(WorkflowError, match="no file in a container can have a name of over 255 bytes"):
        stage({"people": uri}, RawFormat())


def test_the_data_of_a_version_in_the_registry_can_be_given_again(aws: str) -> None:
    """The registry has the manifest of what a version learned from."""
    uri = put(CANONICAL, "people.csv")
    staged = stage({"people": uri}, RawFormat())
    earlier = f"s3://{local.BUCKET}/own/{uuid.uuid4().hex}.manifest"
    write_json(earlier, pinned(staged))
    put(CANONICAL, "raw.manifest", "other")
    staged = stage({"people": earlier}, RawFormat())
    assert pinned(staged)[1:] == ["people.csv"]
    assert stage({"people": earlier}, RAW)["rows"] == 1
    broken = put("[]", "broken.manifest")
    with pytest.raises(WorkflowError, match=f"{broken} is no manifest"):
        stage({"people": broken}, RawFormat())


def test_data_that_is_written_again_is_listed_by_another_name(aws: str) -> None:
    """A cleared task that sees other data makes another request: no job's old result stands for it."""
    folder = uuid.uuid4().hex
    uri = put(CANONICAL, "people.csv", folder)
    first = stage({"people": uri}, RawFormat())
    modified = boto3.client("s3").head_object(Bucket=local.BUCKET, Key=listing_key(first))["LastModified"]
    assert stage({"people": uri}, RawFormat()) == first
    time.sleep(1.1)  # S3's times are whole seconds
    assert stage({"people": uri}, RawFormat()) == first
    again = boto3.client("s3").head_object(Bucket=local.BUCKET, Key=listing_key(first))["LastModified"]
    assert again == modified  # not written again: what has read it is no older
    put(CANONICAL.replace("20", "21"), "people.csv", folder)
    second = stage({"people": uri}, RawFormat())
    assert second["listing"] != first["listing"]
    assert pinned(second) == pinned(first)


def listing_key(staged: dict[str, Any]) -> str:
    return manifest_of(RUN, "raw", staged["listing"]).removeprefix(f"s3://{local.BUCKET}/")


def test_an_input_of_a_job_is_a_folder_or_a_manifest() -> None:
    request: dict[str, Any] = {
        "image": "i",
        "script": "s",
        "outputs": {},
        "arguments": [],
        "instance_type": "ml.m5.large",
    }
    with pytest.raises(ValueError, match="raw: s3://b/churn.csv is neither a folder"):
        processing("p", inputs={"raw": "s3://b/churn.csv"}, **request)
    sources = processing("p", inputs={"a": "s3://b/folder/", "b": "s3://b/c.manifest"}, **request)
    kinds = [each["S3Input"]["S3DataType"] for each in sources["ProcessingInputs"]]
    assert kinds == ["S3Prefix", "ManifestFile"]
