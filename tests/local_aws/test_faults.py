"""Injected faults, as boto3 sees them."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from include.local_aws.faults import BadFaults, Faults
from tests.local_aws.conftest import RunningServer
from tests.local_aws.sagemaker.hosting import tiny_model
from tests.local_aws.sagemaker.job_requests import eventually, processing, upload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], RunningServer]]:
    servers: list[RunningServer] = []

    def server_with(faults: str) -> RunningServer:
        servers.append(RunningServer(tmp_path / "state", faults=Faults.parse(faults)))
        return servers[-1]

    yield server_with
    for server in servers:
        server.close()


def outcomes(call: Callable[[], Any], number: int = 200) -> Counter[str]:
    counts: Counter[str] = Counter()
    for _ in range(number):
        try:
            call()
            counts["ok"] += 1
        except ClientError as error:
            counts[error.response["Error"]["Code"]] += 1
        except BotoCoreError as error:
            counts[type(error).__name__] += 1
    return counts


def test_shares_of_the_requests_are_throttled_fail_or_are_cut_off(start: Any) -> None:
    server = start("throttle=0.3,error=0.1,reset=0.1,seed=1")
    sagemaker, s3 = server.client("sagemaker"), server.client("s3")
    counts = outcomes(sagemaker.list_models)
    assert set(counts) == {"ok", "ThrottlingException", "InternalFailure", "ConnectionClosedError"}
    assert 35 <= counts["ThrottlingException"] <= 85
    assert outcomes(s3.list_buckets)["SlowDown"] > 0


def test_a_header_asks_for_a_fault_of_one_request(start: Any) -> None:
    server = start("")
    sagemaker = server.client("sagemaker")
    fault = {"faults": "slow=1:0.4"}

    def ask(request: Any, **_: Any) -> None:
        request.headers["x-local-aws-faults"] = fault["faults"]

    sagemaker.meta.events.register("before-send.*", ask)
    server_with = time.monotonic()
    sagemaker.list_models()
    assert time.monotonic() - server_with >= 0.4
    fault["faults"] = "throttle=1"
    with pytest.raises(ClientError, match="ThrottlingException.*Rate exceeded"):
        sagemaker.list_models()
    assert set(outcomes(server.client("sagemaker").list_models, 20)) == {"ok"}  # others are not affected


def test_a_job_is_stopped_and_an_update_is_rolled_back(start: Any) -> None:
    server = start("stop=cut-.*,rollback=moving")
    sagemaker, s3 = server.client("sagemaker"), server.client("s3")
    s3.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    script = upload(s3, "bucket", "import time; time.sleep(30)")
    sagemaker.create_processing_job(**processing("cut-1", script))
    status = "ProcessingJobStatus"
    eventually(lambda: sagemaker.describe_processing_job(ProcessingJobName="cut-1")[status] == "Stopped")

    definition = tiny_model.container(s3, "bucket", 2)
    sagemaker.create_model(ModelName="m", PrimaryContainer=definition, ExecutionRoleArn=tiny_model.ROLE)
    for name in ("old", "new"):
        sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[tiny_model.variant("m")]
        )
    sagemaker.create_endpoint(EndpointName="moving", EndpointConfigName="old")
    assert tiny_model.settled(sagemaker, "moving")["EndpointStatus"] == "InService"
    sagemaker.update_endpoint(EndpointName="moving", EndpointConfigName="new")
    after = tiny_model.settled(sagemaker, "moving")
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", "old")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("throtle=0.3", "'throtle=0.3': expected one of error, reset, rollback"),
        ("throttle=much", "'throttle=much': could not convert"),
        ("slow=0.3", "'slow=0.3'"),
        ("stop=(", r"'stop=\('"),
    ],
)
def test_a_misspelt_fault_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BadFaults, match=reason):
        Faults.parse(text)
