from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local_aws.conftest import RunningServer


@pytest.fixture(scope="module")
def logs(client: Callable[[str], Any]) -> Any:
    return client("logs")


@pytest.fixture
def stream(logs: Any, request: pytest.FixtureRequest) -> dict[str, str]:
    """A stream with the events 0 to 9, a second apart."""
    place = {"logGroupName": f"/tests/{request.node.name}", "logStreamName": "job/algo-1-1"}
    logs.create_log_group(logGroupName=place["logGroupName"])
    logs.create_log_stream(**place)
    logs.put_log_events(
        **place, logEvents=[{"timestamp": n * 1000, "message": f"line {n}"} for n in range(10)]
    )
    return place


def messages(answer: Any) -> list[str]:
    return [event["message"] for event in answer["events"]]


def code(failure: pytest.ExceptionInfo[ClientError]) -> str:
    return str(failure.value.response["Error"]["Code"])


def test_events_are_read_from_the_head_in_pages(logs: Any, stream: dict[str, str]) -> None:
    first = logs.get_log_events(**stream, startFromHead=True, limit=6)
    second = logs.get_log_events(**stream, nextToken=first["nextForwardToken"], limit=6)
    assert messages(first) + messages(second) == [f"line {n}" for n in range(10)]


def test_at_the_end_of_a_stream_the_same_token_comes_back(logs: Any, stream: dict[str, str]) -> None:
    last = logs.get_log_events(**stream, startFromHead=True)
    again = logs.get_log_events(**stream, nextToken=last["nextForwardToken"])
    assert messages(again) == []
    assert again["nextForwardToken"] == last["nextForwardToken"]


def test_without_start_from_head_the_newest_events_come_first(logs: Any, stream: dict[str, str]) -> None:
    newest = logs.get_log_events(**stream, limit=3)
    assert messages(newest) == ["line 7", "line 8", "line 9"]
    older = logs.get_log_events(**stream, nextToken=newest["nextBackwardToken"], limit=3)
    assert messages(older) == ["line 4", "line 5", "line 6"]


def test_events_can_be_chosen_by_time_and_by_words(logs: Any, stream: dict[str, str]) -> None:
    timed = logs.get_log_events(**stream, startTime=3000, endTime=5000, startFromHead=True)
    assert messages(timed) == ["line 3", "line 4"]
    page = logs.filter_log_events(logGroupName=stream["logGroupName"], filterPattern='"line 7"')
    assert messages(page) == ["line 7"]


def test_groups_and_streams_are_listed_by_prefix(logs: Any, stream: dict[str, str]) -> None:
    groups = logs.describe_log_groups(logGroupNamePrefix=stream["logGroupName"])["logGroups"]
    assert [group["logGroupName"] for group in groups] == [stream["logGroupName"]]
    streams = logs.describe_log_streams(logGroupName=stream["logGroupName"], logStreamNamePrefix="job/")
    assert streams["logStreams"][0]["lastEventTimestamp"] == 9000
    none = logs.describe_log_streams(logGroupName=stream["logGroupName"], logStreamNamePrefix="other/")
    assert none["logStreams"] == []


def test_missing_and_existing_groups_have_awss_error_codes(logs: Any, stream: dict[str, str]) -> None:
    with pytest.raises(ClientError) as missing:
        logs.get_log_events(logGroupName="/nowhere", logStreamName="x")
    assert code(missing) == "ResourceNotFoundException"
    with pytest.raises(ClientError) as error:
        logs.create_log_group(logGroupName=stream["logGroupName"])
    assert code(error) == "ResourceAlreadyExistsException"


def test_deleting_a_group_deletes_its_events(logs: Any, stream: dict[str, str]) -> None:
    logs.delete_log_group(logGroupName=stream["logGroupName"])
    with pytest.raises(ClientError) as missing:
        logs.describe_log_streams(logGroupName=stream["logGroupName"])
    assert code(missing) == "ResourceNotFoundException"


def test_events_survive_a_restart(server: RunningServer, logs: Any, stream: dict[str, str]) -> None:
    server.restart()
    assert len(messages(logs.get_log_events(**stream, startFromHead=True))) == 10
