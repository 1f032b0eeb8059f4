"""Data that Personalize would refuse is named by file, line and column before it is imported from S3."""

from __future__ import annotations

import itertools
import json
import logging
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from aws_ml.errors import InvalidData, JobRejected
from aws_ml.operators.personalize_checks import (
    PersonalizeValidateDatasetOperator,
)
from aws_ml.validation.counts import Counts
from aws_ml.validation.datasets import validate
from aws_ml.validation.faults import MOST, Faults
from aws_ml.validation.schemas import read_schema
from aws_ml.validation.tables import LONGEST_LINE, Table
from scripts import local_settings as local
from tests.airflow_home import run_dag_of
from tests.plugins.films import FILMS, HEADER, ITEM_HEADER, ROWS, film, schema, table, with_row

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("aws", "database")
log = logging.getLogger(__name__)


def check(kind: str, *files: str | bytes, avro: Any = None, mode: str = "FULL") -> dict[str, Any]:
    """Put files below a prefix of their own, and validate the prefix."""
    s3, prefix = boto3.client("s3"), f"checks/{next(NUMBERS)}"
    for number, file in enumerate(files):
        body = file.encode() if isinstance(file, str) else file
        s3.put_object(Bucket=local.BUCKET, Key=f"{prefix}/{number}.csv", Body=body)
    uri = f"s3://{local.BUCKET}/{prefix}"
    return validate(s3, uri, avro or schema(kind), log, mode=mode)


NUMBERS = itertools.count()


def test_files_below_a_prefix_are_one_dataset() -> None:
    summary = check("Interactions", table(ROWS[:700]), table(ROWS[700:]).replace("\n", "\r\n"))
    assert (summary["files"], summary["rows"]) == (2, 1200)
    assert check("Items", table(FILMS, ITEM_HEADER))["rows"] == 30


def test_what_the_service_allows_is_no_fault() -> None:
    film_rows = ['"nine, or ten",,880000000', '"quoted ""title""",Drama,-883612800', "", "12,Drama,0"]
    assert check("Items", table([*FILMS, *film_rows], ITEM_HEADER))["rows"] == 33
    extended = schema("Items", SEEN={"type": ["null", "boolean"]}, LENGTH={"type": ["double", "null"]})
    rows = ["1,Drama,0,true,1.5e3", "2,Drama,0,,", "3,Drama,0,false,-.5"]
    assert check("Items", table(rows, f"{ITEM_HEADER},SEEN,LENGTH"), avro=json.dumps(extended))["rows"] == 3


FAULTS: dict[str, tuple[str, str | bytes, str]] = {
    "missing column": (
        "Interactions",
        table(ROWS, HEADER.replace("EVENT_TYPE", "KIND")),
        "line 1: 'KIND'; expected no column that the schema does not have\n"
        "- checks/N/0.csv, line 1, column EVENT_TYPE: it is missing",
    ),
    "another order": (
        "Interactions",
        table(ROWS, "ITEM_ID,USER_ID,EVENT_VALUE,TIMESTAMP,EVENT_TYPE"),
        "expected the order of the schema, USER_ID,ITEM_ID",
    ),
    "a column twice": (
        "Interactions",
        table(ROWS, HEADER.replace("EVENT_VALUE", "ITEM_ID")),
        "line 1, column ITEM_ID: it is there twice",
    ),
    "quotes in the header": (
        "Interactions",
        table(ROWS, HEADER.replace("USER_ID", '"USER_ID"')),
        "expected a header without quotes",
    ),
    "empty file": ("Interactions", "", "line 1: it is empty; expected the header USER_ID,ITEM_ID"),
    "only a header": ("Interactions", f"{HEADER}\n", "there are no rows"),
    "text for a number": (
        "Interactions",
        with_row("1,2,3,yesterday,RATING"),
        "line 11, column TIMESTAMP: 'yesterday'; expected a whole number of 64 bits",
    ),
    "a number that is too large": (
        "Users",
        table(["1,3000000000,M,writer"], "USER_ID,AGE,GENDER,OCCUPATION"),
        "line 2, column AGE: '3000000000'; expected a whole number of 32 bits",
    ),
    "a float that is not one": (
        "Interactions",
        with_row("1,2,nan,880000000,RATING"),
        "line 11, column EVENT_VALUE: 'nan'; expected a number of 32 bits",
    ),
    "milliseconds": (
        "Interactions",
        with_row("1,2,3,880000000000,RATING"),
        "line 11, column TIMESTAMP: '880000000000'; expected seconds since 1970, not milliseconds",
    ),
    "milliseconds of an item": ("Items", film("1,Drama,880000000000"), "line 3, column CREATION_TIMESTAMP"),
    "no identifier": (
        "Interactions",
        with_row(",2,3,880000000,RATING"),
        "line 11, column USER_ID: ''; expected a value, the schema allows no null",
    ),
    "over-long identifier": (
        "Interactions",
        with_row(f"{'u' * 257},2,3,880000000,RATING"),
        "(257 characters)'; expected 256 characters at most",
    ),
    "over-long category": (
        "Items",
        film(f"1,{'x' * 1001},0"),
        "line 3, column GENRE: '" + "x" * 60 + "... (1001 characters)'; expected 1000 characters at most",
    ),
    "an item with a comma": (
        "Interactions",
        with_row("1,2,5,3,880000000,RATING"),
        "line 11: 6 values; expected 5 (a value with a comma needs quotes around it)",
    ),
    "a quote that is not closed": (
        "Items",
        film('1,"Drama,0'),
        "line 3: it cannot be read (unexpected end of data)",
    ),
    "a row after one with several lines": (
        "Items",
        film('1,"Drama\nand more",0\n2,Drama,soon'),
        "line 5, column CREATION_TIMESTAMP: 'soon'",
    ),
    "not UTF-8": ("Items", film("1,Com\xe9die,0").encode("latin-1"), "line 3: byte 0xe9 is not UTF-8"),
    "long line": ("Items", film(f"1,{'x' * 3 * LONGEST_LINE},0"), f"it has more than {LONGEST_LINE} bytes"),
    "too few": ("Interactions", table(ROWS[:900]), "900 different interactions; expected 1000 at least"),
    "too few that differ": (
        "Interactions",
        table(ROWS[:900] * 2),
        "900 different interactions; expected 1000 at least",
    ),
    "too few users": (
        "Interactions",
        table([f"{n if n > 24 else 0},7,4.0,{880000000 + n},RATING" for n in range(1200)]),
        "1 users have two interactions or more; expected 25 at least",
    ),
    "too many types of events": (
        "Interactions",
        table([f"{n % 60},{n % 97},4.0,{880000000 + n},TYPE{n % 11}" for n in range(1200)]),
        "11 types of events or more and 0 columns of its own; expected 10 together at most",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_with_its_place(fault: str) -> None:
    kind, content, message = FAULTS[fault]
    with pytest.raises(InvalidData) as caught:
        check(kind, content)
    text = str(caught.value)
    number = text.partition("checks/")[2].partition("/")[0].partition(" ")[0]
    assert message.replace("checks/N", f"checks/{number}") in text
    assert text.startswith(f"The data of {kind} at s3://{local.BUCKET}/checks/")


def test_every_fault_is_listed_but_no_more_than_can_be_read() -> None:
    bad = [f"{n},Drama,soon" for n in range(50)]
    with pytest.raises(InvalidData, match="2 faults") as two:
        check("Items", film("1,Drama,soon"), film("2,Drama,later"))
    assert "0.csv, line 3" in str(two.value)
    assert "1.csv, line 3" in str(two.value)
    with pytest.raises(InvalidData, match=f"the first {MOST} faults") as many:
        check("Items", table(bad, ITEM_HEADER))
    assert str(many.value).count("'soon'") == MOST


def test_rows_that_are_added_to_others_need_fewer_users() -> None:
    few = [f"{n % 3},{n},4.0,{880000000 + n},RATING" for n in range(1000)]
    assert check("Interactions", table(few), mode="INCREMENTAL")["rows"] == 1000
    with pytest.raises(InvalidData, match="3 users have two"):
        check("Interactions", table(few))
    with pytest.raises(InvalidData, match="999 interactions; expected 1000"):
        check("Interactions", table(few[1:]), mode="INCREMENTAL")


def test_a_line_that_is_too_long_is_not_read_to_its_end() -> None:
    faults, pieces_read = Faults(), []
    read = read_schema(schema("Items"), faults)
    assert read is not None

    def pieces() -> Iterator[bytes]:
        yield f"{ITEM_HEADER}\n1,".encode()
        for number in range(100):  # 100 MB
            pieces_read.append(number)
            yield b"x" * 1024**2

    Table(read, Counts(read), faults).check("long.csv", pieces())
    assert faults.texts == [f"long.csv, line 2: it has more than {LONGEST_LINE} bytes"]
    assert len(pieces_read) <= 2


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_it_does_not_matter_where_the_stream_is_cut(size: int) -> None:
    faults = Faults()
    read = read_schema(schema("Items"), faults)
    assert read is not None
    counts = Counts(read)
    body = film('1,"Com\u00e9die, noire",0\n2,Drama,soon').removesuffix("\n").encode()
    Table(read, counts, faults).check("i.csv", (body[n : n + size] for n in range(0, len(body), size)))
    assert faults.texts == [
        "i.csv, line 4, column CREATION_TIMESTAMP: 'soon'; expected a whole number of 64 bits"
    ]
    assert counts.rows == 31


@pytest.mark.parametrize(
    ("uri", "error", "message"),
    [
        (f"s3://{local.BUCKET}/nowhere", InvalidData, "There is nothing at"),
        ("/tmp/films.csv", InvalidData, "is not an S3 URI"),
        ("s3://no-such-bucket/x", JobRejected, "reading s3://no-such-bucket/x: .*NoSuchBucket"),
    ],
)
def test_nothing_to_read(uri: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        validate(boto3.client("s3"), uri, schema("Items"), log)


def test_a_file_is_not_taken_for_its_neighbour() -> None:
    s3 = boto3.client("s3")
    for name, text in (("films.csv", table(FILMS, ITEM_HEADER)), ("films.csv.old", "nonsense")):
        s3.put_object(Bucket=local.BUCKET, Key=f"neighbours/{name}", Body=text.encode())
    summary = validate(s3, f"s3://{local.BUCKET}/neighbours/films.csv", schema("Items"), log)
    assert (summary["files"], summary["rows"]) == (1, 30)


def run(**config: Any) -> Any:
    return run_dag_of(lambda: PersonalizeValidateDatasetOperator(task_id="check", **config))


def test_the_operator_tells_what_it_read_and_fails_without_a_retry(caplog: Any, capfd: Any) -> None:
    s3 = boto3.client("s3")
    for name, text in (("good", table(ROWS)), ("bad", table(ROWS[:900]))):
        s3.put_object(Bucket=local.BUCKET, Key=f"operator/{name}.csv", Body=text.encode())
    uri, avro = f"s3://{local.BUCKET}/operator", schema("Interactions")
    good = run(uri=f"{uri}/good.csv", schema=avro)
    (instance,) = good.get_task_instances()
    summary = instance.xcom_pull(task_ids="check")
    assert summary == {"type": "Interactions", "files": 1, "rows": 1200, "bytes": len(table(ROWS))}
    bad = run(uri=f"{uri}/bad.csv", schema=json.dumps(avro), retries=3)
    (instance,) = bad.get_task_instances()
    assert (instance.state, instance.try_number) == ("failed", 1)
    assert "900 different interactions" in caplog.text + capfd.readouterr().out
