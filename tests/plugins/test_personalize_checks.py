"""A schema that Personalize would refuse, and quotas without room, are found before anything is made."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from aws_ml.errors import InvalidData, JobRejected
from aws_ml.operators.personalize import PersonalizeDeleteDatasetGroupOperator
from aws_ml.operators.personalize_checks import PersonalizeCheckQuotasOperator
from aws_ml.validation.datasets import validate
from aws_ml.validation.quotas import check_quotas
from tests.airflow_home import run_dag_of
from tests.plugins.films import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("aws", "database")
log = logging.getLogger(__name__)

BAD_SCHEMAS: dict[str, Any] = {
    "not valid JSON": "{",
    "expected an Avro record with one of the names Interactions": {"type": "record", "name": "Films"},
    "namespace: 'org.example'; expected": {**schema("Items"), "namespace": "org.example"},
    "version: 'None'; expected '1.0'": {n: v for n, v in schema("Items").items() if n != "version"},
    "Interactions need the field TIMESTAMP": schema("Interactions", TIMESTAMP=None),
    "field TIMESTAMP: expected the type long": schema("Interactions", TIMESTAMP={"type": "int"}),
    "field USER_ID: expected the type string, without null": schema(
        "Users", USER_ID={"type": ["null", "string"]}
    ),
    "field EVENT_VALUE: expected the type float": schema("Interactions", EVENT_VALUE={"type": "string"}),
    "field EVENT_TYPE: a field of the service's own": schema(
        "Interactions", EVENT_TYPE={"categorical": True}
    ),
    "field GEN_RE: it is there twice": schema("Items", GEN_RE={"type": "int"}),
    "'2ND'; expected letters": schema("Items", **{"2ND": {"type": "int"}}),
    'field TAGS: \'{"type": "array"}\'; expected one of': schema("Items", TAGS={"type": {"type": "array"}}),
    "Users need one field of their own": schema("Users", AGE=None, GENDER=None, OCCUPATION=None),
    "has to be categorical or, in Items, textual": schema("Items", PLOT={"type": "string"}),
    "PLOT textual; Items may have 1": schema("Users", PLOT={"type": "string", "textual": True}),
    "only a string can be categorical": schema("Items", YEAR={"type": "int", "categorical": True}),
    "6 fields of its own, Interactions have 5": schema(
        "Interactions", **{f"C{n}": {"type": "int"} for n in range(6)}
    ),
}


@pytest.mark.parametrize("message", BAD_SCHEMAS)
def test_a_schema_is_checked_before_the_data(message: str) -> None:
    with pytest.raises(InvalidData, match="The schema would be refused") as caught:
        validate(boto3.client("s3"), "s3://no-such-bucket/x", BAD_SCHEMAS[message], log)
    assert message in str(caught.value)


@pytest.fixture
def group() -> Iterator[str]:
    """A dataset group without data, with four solutions and nothing else."""
    personalize = boto3.client("personalize")
    arn = personalize.create_dataset_group(name="rooms")["datasetGroupArn"]
    while personalize.describe_dataset_group(datasetGroupArn=arn)["datasetGroup"]["status"] != "ACTIVE":
        time.sleep(0.05)
    for number in range(4):
        personalize.create_solution(
            name=f"s{number}",
            datasetGroupArn=arn,
            performAutoTraining=False,
            recipeArn="arn:aws:personalize:::recipe/aws-sims",
        )
    yield "rooms"
    run_dag_of(lambda: PersonalizeDeleteDatasetGroupOperator(task_id="delete", dataset_group="rooms"))


def test_the_room_is_the_quota_minus_what_exists(group: str) -> None:
    client = boto3.client("personalize")
    again = [f"s{number}" for number in range(4)]
    names = {"Solution": [*again, "new", ""], "DatasetGroup": ["rooms", "other"], "Campaign": ["c"]}
    assert check_quotas(client, group, names, {}) == {
        "Solution": "5 of 10",
        "DatasetGroup": "2 of 5",
        "Campaign": "1 of 5",
    }
    assert check_quotas(client, "not-there", {"Solution": ["a"]}, {}) == {"Solution": "1 of 10"}
    message = (
        r"4 solutions exist and 1 would be added \(new\), 4 are allowed; 0 .* 2 would .*\(c1, c2\), 1 are"
    )
    with pytest.raises(JobRejected, match=message):
        check_quotas(
            client,
            group,
            {"Solution": ["s0", "new"], "Campaign": ["c1", "c2"]},
            {"Solution": 4, "Campaign": 1},
        )
    assert check_quotas(client, group, {"Solution": again}, {"Solution": 3}) == {"Solution": "4 of 3"}
    with pytest.raises(JobRejected, match="There is no quota for Films"):
        check_quotas(client, group, {"Films": ["a"]}, {})


def test_the_operator_checks_the_room_and_ignores_empty_names(group: str) -> None:
    name = "{% if params.more %}more{% endif %}"

    def build() -> Any:
        return PersonalizeCheckQuotasOperator(
            task_id="room",
            dataset_group=group,
            names={"Solution": ["s0", name]},
            quotas={"Solution": 4},
            params={"more": False},
        )

    assert run_dag_of(build).state == "success"
