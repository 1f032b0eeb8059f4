"""The record of requests, including those that moto answers and those that fail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from include.local_aws.recording import Recorder
from include.local_aws.settings import from_command_line
from tests.local_aws.conftest import RunningServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path / "state", record=tmp_path / "calls.jsonl")
    yield running
    running.close()


def test_each_request_is_a_line(server: RunningServer, tmp_path: Path) -> None:
    s3, sagemaker = server.client("s3"), server.client("sagemaker", user_agent_extra="Someone/1")
    region = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="box", CreateBucketConfiguration=region)
    s3.put_object(Bucket="box", Key="a/k", Body=b"x")
    with pytest.raises(sagemaker.exceptions.ClientError):
        sagemaker.describe_model(ModelName="none")
    server.client("resourcegroupstaggingapi").get_resources()
    server.client("sns").create_topic(Name="drift")
    events = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text().splitlines()]
    assert [operation(event) for event in events] == [
        "s3 CreateBucket",
        "s3 PutObject",
        "sagemaker DescribeModel",
        "tagging GetResources",
        "sns CreateTopic",
    ]
    assert events[1]["requestParameters"]["Key"] == "a/k"
    assert events[1]["requestParameters"]["Body"] is None
    assert events[4]["requestParameters"]["Name"] == "drift"
    assert "Someone/1" in events[2]["userAgent"]
    assert {event["awsRegion"] for event in events} == {"eu-west-1"}


def operation(event: dict[str, Any]) -> str:
    return f"{event['eventSource'].removesuffix('.amazonaws.com')} {event['eventName']}"


def test_nothing_is_recorded_unless_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert from_command_line([]).record is None
    monkeypatch.setenv("LOCAL_AWS_RECORD", str(tmp_path / "calls.jsonl"))
    assert from_command_line([]).record == tmp_path / "calls.jsonl"


def test_a_file_that_cannot_be_written_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Recorder(tmp_path / "nowhere" / "calls.jsonl")
