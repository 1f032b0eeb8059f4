"""A new model replaces another while a client calls twenty times a second and sees no error."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.sagemaker.hosting.tiny_model import ROLE, SCRIPT, container, settled, variant
from tests.local_aws.sagemaker.job_requests import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Serve = Callable[[str, str], str]

BUCKET = "promotion-tests"
PER_SECOND = 20
DOUBLE, TRIPLE = "2.0", "3.0"  # what the models answer to 1
PENSIVE = SCRIPT.replace(b"time.sleep(10)", b"time.sleep(2)").replace(b"text = '0'", b"text = '1'")


@pytest.fixture(scope="module")
def aws(client: Callable[[str], Any]) -> Any:
    """Clients, a bucket, the models double, triple and broken, and configurations of each in one variant."""

    class Aws:
        s3, sagemaker, runtime = (client(name) for name in ("s3", "sagemaker", "sagemaker-runtime"))

    Aws.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    scripts = {
        "double": (2, PENSIVE),
        "triple": (3, PENSIVE),
        "broken": (5, b"raise SystemExit('no licence')"),
    }
    for name, (factor, script) in scripts.items():
        definition = container(Aws.s3, BUCKET, factor, script)
        Aws.sagemaker.create_model(ModelName=name, PrimaryContainer=definition, ExecutionRoleArn=ROLE)
        config(Aws, name, variant(name, f"of-{name}"))
    return Aws


def config(aws: Any, name: str, *variants: dict[str, Any], **members: Any) -> None:
    aws.sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=list(variants), **members
    )


@pytest.fixture
def serve(aws: Any) -> Iterator[Callable[[str, str], str]]:
    """`serve("name", "configuration")` is the name of a new endpoint, deleted after the test."""
    endpoint_names: list[str] = []

    def serve(endpoint: str, config_name: str) -> str:
        aws.sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=config_name)
        endpoint_names.append(endpoint)
        assert settled(aws.sagemaker, endpoint)["EndpointStatus"] == "InService"
        return endpoint

    yield serve
    for endpoint in endpoint_names:
        settled(aws.sagemaker, endpoint)
        aws.sagemaker.delete_endpoint(EndpointName=endpoint)


def ask(aws: Any, endpoint: str, body: bytes = b"1") -> str:
    answer = aws.runtime.invoke_endpoint(EndpointName=endpoint, Body=body, ContentType="text/csv")
    return str(answer["Body"].read().decode())


class Traffic:
    """Calls an endpoint twenty times a second during the `with` block; records answers and errors."""

    def __init__(self, aws: Any, endpoint: str) -> None:
        self._aws, self._endpoint = aws, endpoint
        self._answers: list[tuple[float, str]] = []  # time of the call, answer
        self.errors: list[Exception] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        self._thread.start()
        self.wait(1)
        return self

    def __exit__(self, *error: object) -> None:
        self.wait(1)
        self._done.set()
        self._thread.join()
        seconds = time.monotonic() - self._started
        assert len(self._answers) + len(self.errors) > 0.7 * PER_SECOND * seconds, "too little traffic"

    def answers(self, since: float = 0.0) -> set[str]:
        """The different answers to calls that began after a moment of the monotonic clock."""
        return {answer for moment, answer in self._answers if moment > since}

    @staticmethod
    def wait(seconds: float) -> None:
        time.sleep(seconds)

    def _work(self) -> None:
        with ThreadPoolExecutor(PER_SECOND) as callers:
            for number in range(100_000):
                due = self._started + number / PER_SECOND - time.monotonic()
                if self._done.wait(max(0.0, due)):
                    return
                callers.submit(self._call)

    def _call(self) -> None:
        moment = time.monotonic()
        try:
            self._answers.append((moment, ask(self._aws, self._endpoint)))
        except Exception as error:  # noqa: BLE001 — every one of them is what the test looks for
            self.errors.append(error)


def test_an_update_to_a_model_in_another_variant_fails_no_request(aws: Any, serve: Serve) -> None:
    name = serve("promoted", "double")
    with Traffic(aws, name) as traffic:
        aws.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName="triple")
        pending = aws.sagemaker.describe_endpoint(EndpointName=name)
        assert (pending["EndpointStatus"], pending["EndpointConfigName"]) == ("Updating", "double")
        assert pending["PendingDeploymentSummary"]["EndpointConfigName"] == "triple"
        with pytest.raises(ClientError, match="ValidationException.*in-progress"):
            aws.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName="double")
        updated = settled(aws.sagemaker, name)
        done = time.monotonic()
    assert traffic.errors == []
    assert updated["EndpointConfigName"] == "triple"
    assert "PendingDeploymentSummary" not in updated
    assert [v["VariantName"] for v in updated["ProductionVariants"]] == ["of-triple"]
    assert (traffic.answers(), traffic.answers(since=done)) == ({DOUBLE, TRIPLE}, {TRIPLE})


def test_an_update_that_fails_is_not_noticed_by_callers(aws: Any, serve: Serve) -> None:
    name = serve("kept", "double")
    with Traffic(aws, name) as traffic:
        aws.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName="broken")
        description = settled(aws.sagemaker, name)
    assert traffic.errors == []
    assert traffic.answers() == {DOUBLE}
    assert (description["EndpointStatus"], description["EndpointConfigName"]) == ("InService", "double")
    assert description["FailureReason"].startswith(
        "The container for production variant of-broken did not pass the ping health check."
    )
    assert "no licence" in description["FailureReason"]
    assert "PendingDeploymentSummary" not in description
    aws.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName="triple")
    assert "FailureReason" not in settled(aws.sagemaker, name)


def test_traffic_moves_from_the_champion_to_the_challenger_by_weights(aws: Any, serve: Serve) -> None:
    config(aws, "both", variant("double", "champion", 1), variant("triple", "challenger", 0))
    name = serve("shifted", "both")
    update = aws.sagemaker.update_endpoint_weights_and_capacities
    answers: list[set[str]] = []
    with Traffic(aws, name) as traffic:
        for weights in ((1, 0), (1, 1), (0, 1)):
            named_weights = zip(("champion", "challenger"), weights, strict=True)
            desired = [{"VariantName": v, "DesiredWeight": w} for v, w in named_weights]
            update(EndpointName=name, DesiredWeightsAndCapacities=desired)
            settled(aws.sagemaker, name)
            done = time.monotonic()
            traffic.wait(2)
            answers.append(traffic.answers(since=done))
    assert traffic.errors == []
    assert answers == [{DOUBLE}, {DOUBLE, TRIPLE}, {TRIPLE}]


def test_a_request_under_way_is_answered_by_the_model_that_it_reached(aws: Any, serve: Serve) -> None:
    name = serve("patient", "double")
    with ThreadPoolExecutor(1) as slow:
        answer = slow.submit(ask, aws, name, b"slow")
        time.sleep(0.3)
        aws.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName="triple")
        eventually(lambda: ask(aws, name) == TRIPLE)
        assert answer.result() == DOUBLE
    assert settled(aws.sagemaker, name)["EndpointConfigName"] == "triple"


def test_each_variant_has_a_folder_of_captured_data(aws: Any, serve: Serve) -> None:
    capture = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/captured",
        "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }  # EnableCapture is true by default
    variants = [variant("double", "champion", 1), variant("triple", "challenger", 1)]
    config(aws, "captured", *variants, DataCaptureConfig=capture)
    name = serve("captured", "captured")
    summary = aws.sagemaker.describe_endpoint(EndpointName=name)["DataCaptureConfig"]
    assert (summary["EnableCapture"], summary["CaptureStatus"]) == (True, "Started")
    hours = {time.strftime("%Y/%m/%d/%H", time.gmtime())}
    for _ in range(40):
        ask(aws, name)
    hours.add(time.strftime("%Y/%m/%d/%H", time.gmtime()))

    def captured_records() -> dict[str, list[Any]]:
        records: dict[str, list[Any]] = {}
        for entry in aws.s3.list_objects_v2(Bucket=BUCKET, Prefix="captured/").get("Contents", []):
            body = aws.s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read()
            folder = entry["Key"].rpartition("/")[0]
            records.setdefault(folder, []).extend(json.loads(line) for line in body.splitlines())
        return records

    eventually(lambda: sum(map(len, captured_records().values())) == 40)
    for folder, records in captured_records().items():
        _, endpoint, variant_name, *hour = folder.split("/")
        assert (endpoint, "/".join(hour) in hours) == (name, True)
        expected = {"champion": DOUBLE, "challenger": TRIPLE}[variant_name]
        assert {r["captureData"]["endpointOutput"]["data"] for r in records} == {expected}
    assert {folder.split("/")[2] for folder in captured_records()} == {"champion", "challenger"}


def test_a_failed_endpoint_can_only_be_deleted(aws: Any) -> None:
    aws.sagemaker.create_endpoint(EndpointName="stillborn", EndpointConfigName="broken")
    assert settled(aws.sagemaker, "stillborn")["EndpointStatus"] == "Failed"
    with pytest.raises(ClientError, match="ValidationException.*in status Failed"):
        aws.sagemaker.update_endpoint(EndpointName="stillborn", EndpointConfigName="double")
    aws.sagemaker.delete_endpoint(EndpointName="stillborn")


def test_weights_are_retained_by_an_update_on_request(aws: Any, serve: Serve) -> None:
    for number in (1, 2):
        variants = variant("double", "champion", 9), variant("triple", "challenger", 1)
        config(aws, f"retained-{number}", *variants)
    name = serve("retained", "retained-1")
    desired = [{"VariantName": "champion", "DesiredWeight": 4}]
    aws.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=name, DesiredWeightsAndCapacities=desired
    )
    settled(aws.sagemaker, name)

    def after(target: int, **members: Any) -> float:
        names = {"EndpointName": name, "EndpointConfigName": f"retained-{target}"}
        aws.sagemaker.update_endpoint(**names, RetainAllVariantProperties=True, **members)
        variants = settled(aws.sagemaker, name)["ProductionVariants"]
        return float(next(v["CurrentWeight"] for v in variants if v["VariantName"] == "champion"))

    assert after(2) == 4
    assert after(1, ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredWeight"}]) == 9


def test_a_canary_by_deployment_config_is_refused_and_not_ignored(aws: Any, serve: Serve) -> None:
    name = serve("canary", "double")
    routing = {"Type": "CANARY", "WaitIntervalInSeconds": 60}
    routing["CanarySize"] = {"Type": "CAPACITY_PERCENT", "Value": 10}
    deployment = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}
    update = {"EndpointName": name, "EndpointConfigName": "triple", "DeploymentConfig": deployment}
    with pytest.raises(ClientError, match="ValidationException.*ALL_AT_ONCE"):
        aws.sagemaker.update_endpoint(**update)
    assert aws.sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService"
