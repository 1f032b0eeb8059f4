"""Bad data: each fault has an error that names its place, and nothing changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.local_aws.personalize.studio import FIELDS, Studio, interactions, items, schema, wait

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD = interactions()
HEADER = GOOD.splitlines()[0]


def with_row(row: str, text: str = GOOD) -> str:
    """The row in place of the tenth one (row 11 of the file)."""
    lines = text.splitlines()
    lines[10] = row
    return "\n".join(lines) + "\n"


FAULTS: dict[str, tuple[str, str | bytes, str]] = {
    "missing column": (
        "Interactions",
        GOOD.replace("EVENT_TYPE", "KIND"),
        "Input CSV is missing the following columns: [EVENT_TYPE]",
    ),
    "wrong type": ("Interactions", with_row("1,2,3,yesterday,RATING"), "row 11: TIMESTAMP is 'yesterday'"),
    "milliseconds": (
        "Interactions",
        with_row("1,2,3,880000000000,RATING"),
        "row 11: TIMESTAMP is not in seconds",
    ),
    "too few": (
        "Interactions",
        "\n".join(GOOD.splitlines()[:900]),
        "fewer than 1000 interactions (it has 899)",
    ),
    "duplicate header": (
        "Interactions",
        GOOD.replace("EVENT_VALUE", "ITEM_ID"),
        "names columns twice: ITEM_ID",
    ),
    "quotes in the header": ("Interactions", GOOD.replace("USER_ID", '"USER_ID"', 1), "has quotes"),
    "over-long category": (
        "Items",
        with_row(f"9,{'x' * 1001},1999", items()),
        "row 11: GENRE has more than 1000",
    ),
    "over-long id": (
        "Interactions",
        with_row(f"{'u' * 257},2,3,880000000,RATING"),
        "USER_ID has more than 256",
    ),
    "empty id": ("Interactions", with_row(",2,3,880000000,RATING"), "row 11: USER_ID is empty"),
    "empty file": ("Interactions", "", "is empty"),
    "only a header": ("Interactions", HEADER + "\n", "has a header but no rows"),
    "an item with a comma": (
        "Interactions",
        with_row("1,2,5,3,880000000,RATING"),
        "Expected 5 columns, got 6",
    ),
    "long line": (
        "Interactions",
        with_row("1,2,3,880000000," + "x" * 100_000_000),
        "a row of more than 8 MiB",
    ),
    "not UTF-8": ("Items", with_row("9,Com\xe9die,1999", items()).encode("latin-1"), "not UTF-8"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_error_of_a_bad_file_names_the_fault(studio: Studio, fault: str) -> None:
    kind, content, reason = FAULTS[fault]
    job = studio.load(kind, content)
    assert job["status"] == "CREATE FAILED"
    assert reason in job["failureReason"]


def test_a_failed_import_changes_nothing_and_the_next_one_works(studio: Studio) -> None:
    assert studio.load("Interactions", GOOD.replace("EVENT_TYPE", "KIND"))["status"] == "CREATE FAILED"
    assert studio.version("aws-popularity-count")["status"] == "ACTIVE"
    assert studio.load("Interactions", GOOD)["status"] == "ACTIVE"


def test_an_item_id_with_a_comma_is_fine_in_quotes(studio: Studio) -> None:
    assert studio.load("Items", with_row('"nine, or ten",Comedy,1999', items()))["status"] == "ACTIVE"
    assert studio.load("Items", items())["status"] == "ACTIVE"


def test_nothing_at_the_source(studio: Studio) -> None:
    arn = studio.personalize.create_dataset_import_job(
        jobName="nothing",
        datasetArn=studio.arns["Items"],
        dataSource={"dataLocation": "s3://films/not-there.csv"},
        roleArn="arn:aws:iam::123456789012:role/personalize",
    )["datasetImportJobArn"]
    job = wait(lambda: studio.personalize.describe_dataset_import_job(datasetImportJobArn=arn))
    assert "Insufficient privileges for accessing data in Amazon S3" in job["failureReason"]


def test_an_incremental_import_adds_and_replaces(studio: Studio) -> None:
    rows = "ITEM_ID,GENRE,YEAR\n1,Horror,1999\nnew,Horror,2001\n"
    assert studio.load("Items", rows, importMode="INCREMENTAL")["status"] == "ACTIVE"
    version = studio.version("aws-similar-items")
    assert version["status"] == "ACTIVE"
    assert studio.load("Items", items())["status"] == "ACTIVE"


def test_an_incremental_import_of_interactions_has_the_same_minimum(studio: Studio) -> None:
    job = studio.load("Interactions", "\n".join(GOOD.splitlines()[:900]), importMode="INCREMENTAL")
    assert job["status"] == "CREATE FAILED"
    assert "fewer than 1000 interactions (it has 899)" in job["failureReason"]
    assert studio.load("Interactions", GOOD, importMode="INCREMENTAL")["status"] == "ACTIVE"
    assert studio.load("Interactions", GOOD)["status"] == "ACTIVE"


def test_too_few_users_fail_the_training(studio: Studio, client: Callable[[str], Any]) -> None:
    other = Studio(client("personalize"), client("s3"), "lonely").open()
    other.dataset("Interactions")
    rows = "\n".join(f"{1 + n % 20},{n % 90},3,{880000000 + n},RATING" for n in range(1200))
    assert other.load("Interactions", f"{HEADER}\n{rows}\n")["status"] == "ACTIVE"
    version = other.version("aws-user-personalization")
    assert version["status"] == "CREATE FAILED"
    assert "fewer than 25 users with at least 2 interactions each" in version["failureReason"]


def test_a_filter_by_value_that_leaves_too_little_fails_the_training(studio: Studio) -> None:
    version = studio.version("aws-sims", eventType="RATING", solutionConfig={"eventValueThreshold": "5"})
    assert version["status"] == "CREATE FAILED"
    assert "fewer than 1000 interactions after filtering" in version["failureReason"]


BAD_SCHEMAS = {
    "not valid JSON": "{",
    "has to be an Avro record": json.dumps({"type": "map"}),
    "name has to be one of": schema("Items", name="Films"),
    "namespace has to be": schema("Items", namespace="org.example"),
    "needs the field TIMESTAMP of type long": schema("Interactions", fields=FIELDS["Interactions"][:3]),
    "occurs more than once": schema("Items", fields=[*FIELDS["Items"], {"name": "GEN_RE", "type": "int"}]),
    "at least one metadata field": schema("Items", fields=FIELDS["Items"][:1]),
    "has to be categorical or textual": schema(
        "Items", fields=[FIELDS["Items"][0], {"name": "GENRE", "type": "string"}]
    ),
    'has the type {"type": "array"}': schema(
        "Items", fields=[FIELDS["Items"][0], {"name": "TAGS", "type": {"type": "array"}}]
    ),
}


@pytest.mark.parametrize("reason", BAD_SCHEMAS)
def test_a_schema_that_the_service_would_refuse(studio: Studio, reason: str) -> None:
    with pytest.raises(studio.personalize.exceptions.InvalidInputException, match=".*") as caught:
        studio.personalize.create_schema(name="bad", schema=BAD_SCHEMAS[reason])
    assert reason in str(caught.value)


def test_a_dataset_of_another_type_than_its_schema(studio: Studio) -> None:
    with pytest.raises(studio.personalize.exceptions.InvalidInputException, match="schema is one of Items"):
        studio.personalize.create_dataset(
            name="x",
            schemaArn=studio.arns["Items schema"],
            datasetGroupArn=studio.group,
            datasetType="Users",
        )
