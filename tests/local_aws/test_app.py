"""Requests that are routed, refused or passed to moto."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from include.local_aws.services import StateInUse, exclusive

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local_aws.conftest import RunningServer

SCOPE = "AWS4-HMAC-SHA256 Credential=k/20261121/eu-west-1/{}/aws4_request, SignedHeaders=host, Signature=0"


def send(
    server: RunningServer, method: str = "POST", path: str = "/", body: bytes = b"", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content


def logs_call(server: RunningServer, operation: str, body: bytes) -> tuple[int, dict[str, str], Any]:
    headers = {"X-Amz-Target": f"Logs_20140328.{operation}", "Authorization": SCOPE.format("logs")}
    status, answer_headers, content = send(server, body=body, **headers)
    return status, answer_headers, json.loads(content)


def test_every_answer_carries_a_request_id(server: RunningServer) -> None:
    _, headers, _ = logs_call(server, "DescribeLogGroups", b"{}")
    assert headers["x-amzn-requestid"]


def test_a_body_that_is_no_json_is_refused_in_awss_form(server: RunningServer) -> None:
    status, _, answer = logs_call(server, "DescribeLogGroups", b'{"limit": ')
    assert (status, answer["__type"]) == (400, "SerializationException")


def test_all_broken_parameters_are_named_at_once(server: RunningServer) -> None:
    status, _, answer = logs_call(server, "DescribeLogStreams", b'{"limit": 5000, "orderBy": "Size"}')
    assert (status, answer["__type"]) == (400, "InvalidParameterException")
    assert answer["message"].startswith("2 validation errors detected: ")
    assert (
        "Value '5000' at 'limit' failed to satisfy constraint: Member must have value less than"
        in answer["message"]
    )
    assert "Member must satisfy enum value set: [LogStreamName, LastEventTime]" in answer["message"]


def test_an_unknown_operation_is_refused(server: RunningServer) -> None:
    status, _, answer = logs_call(server, "FlyToTheMoon", b"{}")
    assert (status, answer["__type"]) == (501, "UnknownOperationException")
    assert "FlyToTheMoon" in answer["message"]


def test_an_operation_that_the_server_lacks_is_unknown(server: RunningServer) -> None:
    status, _, answer = logs_call(server, "StartQuery", b"{}")
    assert (status, answer["message"]) == (501, "The local AWS does not implement logs:StartQuery.")


def test_a_body_that_is_too_large_to_be_parsed_is_refused(server: RunningServer) -> None:
    status, _, answer = logs_call(server, "PutLogEvents", b" " * (64 * 1024**2 + 1))
    assert (status, answer["__type"]) == (413, "RequestEntityTooLargeException")


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Host": "127.0.0.1.evil.example"}],
)
def test_pages_of_other_sites_cannot_reach_the_server(server: RunningServer, headers: dict[str, str]) -> None:
    status, _, _ = send(server, "GET", "/", b"", **headers)
    assert status == 403


def test_other_services_are_answered_by_moto(client: Callable[[str], Any]) -> None:
    assert client("sts").get_caller_identity()["Account"] == "123456789012"
    iam = client("iam")
    iam.create_role(RoleName="ml", AssumeRolePolicyDocument="{}")
    assert iam.get_role(RoleName="ml")["Role"]["Arn"].endswith(":role/ml")
    topic = client("sns").create_topic(Name="drift")["TopicArn"]
    assert client("sns").publish(TopicArn=topic, Message="drifted")["MessageId"]
    point = {"MetricName": "drift", "Value": 0.4}
    client("cloudwatch").put_metric_data(Namespace="ml", MetricData=[point])
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_role(RoleName="nobody")


def test_an_operation_that_moto_lacks_is_an_error_in_awss_form(client: Callable[[str], Any]) -> None:
    with pytest.raises(ClientError, match="UnknownOperationException"):
        client("iam").simulate_custom_policy(PolicyInputList=["{}"], ActionNames=["s3:GetObject"])


def test_two_servers_cannot_share_a_state_folder(server: RunningServer) -> None:
    with pytest.raises(StateInUse, match="state"), exclusive(server.state):
        pass


def test_the_libraries_of_tuning_and_personalize_are_imported_at_first_use() -> None:
    large = ("numpy", "scipy", "pyarrow", "optuna")
    look = f"import sys, include.local_aws.services; print(sys.modules.keys() & {large})"
    process = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert process.stdout == "set()\n"
