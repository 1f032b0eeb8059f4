from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.sagemaker.job_requests import (
    cluster,
    eventually,
    finished_processing,
    log_lines,
    processing,
    s3_input,
    s3_outputs,
)

if TYPE_CHECKING:
    from collections.abc import Callable

GROUP = "/aws/sagemaker/ProcessingJobs"


def keys(s3: Any, bucket: str, prefix: str = "") -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]


def content(s3: Any, bucket: str, key: str) -> bytes:
    return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def test_a_script_reads_its_input_and_its_output_is_uploaded(
    run_processing: Callable[..., dict[str, Any]], s3: Any, bucket: str
) -> None:
    s3.put_object(Bucket=bucket, Key="raw/day/1.csv", Body=b"1,2\n")
    code = """
import pathlib
text = pathlib.Path("/opt/ml/processing/data/day/1.csv").read_text()
out = pathlib.Path("/opt/ml/processing/out/deep")
out.mkdir()
(out / "result.csv").write_text(text * 2)
(out / "link.csv").symlink_to("result.csv")
"""
    job = run_processing(
        "copy",
        code,
        ProcessingInputs=[s3_input(f"s3://{bucket}/raw")],
        ProcessingOutputConfig=s3_outputs(f"s3://{bucket}/clean/"),
    )
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert keys(s3, bucket, "clean") == ["clean/deep/result.csv"]  # symbolic links are not uploaded
    assert content(s3, bucket, "clean/deep/result.csv") == b"1,2\n1,2\n"
    assert job["ProcessingStartTime"] <= job["ProcessingEndTime"]
    assert job["ProcessingInputs"][0]["S3Input"]["S3DataDistributionType"] == "FullyReplicated"


def test_a_job_is_seen_in_progress_before_it_is_completed(
    sagemaker: Any, script: Callable[[str], str]
) -> None:
    arn = sagemaker.create_processing_job(**processing("Quick", script("pass")))["ProcessingJobArn"]
    region = sagemaker.meta.region_name
    assert arn == f"arn:aws:sagemaker:{region}:123456789012:processing-job/quick"
    assert sagemaker.describe_processing_job(ProcessingJobName="Quick")["ProcessingJobStatus"] == "InProgress"
    assert finished_processing(sagemaker, "Quick")["ProcessingJobStatus"] == "Completed"


def test_the_container_gets_its_configuration_arguments_and_environment(
    run_processing: Callable[..., dict[str, Any]], sagemaker: Any, s3: Any, bucket: str
) -> None:
    code = """
import json, os, sys
config = "/opt/ml/config/"
print(json.dumps({
    "job": json.load(open(config + "processingjobconfig.json")),
    "resources": json.load(open(config + "resourceconfig.json")),
    "arguments": sys.argv[1:],
    "environment": dict(os.environ),
}), file=open("/opt/ml/processing/out/seen.json", "w"))
"""
    job = run_processing(
        "configured",
        code,
        "--rate",
        "0.5",
        Environment={"STAGE": "test"},
        ProcessingOutputConfig=s3_outputs(f"s3://{bucket}/seen"),
    )
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    contents = json.loads(content(s3, bucket, "seen/seen.json"))
    assert contents["job"]["ProcessingJobName"] == "configured"
    assert contents["job"]["StoppingCondition"] == {"MaxRuntimeInSeconds": 86400}
    assert contents["resources"] == {"current_host": "algo-1", "hosts": ["algo-1"]}
    assert contents["arguments"] == ["--rate", "0.5"]
    assert contents["environment"]["STAGE"] == "test"
    assert contents["environment"]["AWS_DEFAULT_REGION"] == sagemaker.meta.region_name
    assert contents["environment"]["AWS_ENDPOINT_URL"] == s3.meta.endpoint_url


def test_a_script_that_fails_gives_its_last_lines_and_its_exit_code(
    run_processing: Callable[..., dict[str, Any]], s3: Any, bucket: str, logs: Any
) -> None:
    code = """
open('/opt/ml/processing/out/half.csv', 'w').write('half')
open('/opt/ml/output/message', 'w').write('7 rows were wrong')
print('reading rows')
raise ValueError('row 7: no such column')
"""
    job = run_processing("broken", code, ProcessingOutputConfig=s3_outputs(f"s3://{bucket}/broken"))
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: ")
    assert job["FailureReason"].endswith("ValueError: row 7: no such column, exit code: 1")
    assert job["ExitMessage"] == "7 rows were wrong"
    assert keys(s3, bucket, "broken") == []
    assert "reading rows" in log_lines(logs, GROUP, "broken")


def test_a_script_that_is_missing_fails_with_its_name(sagemaker: Any, script: Callable[[str], str]) -> None:
    request = processing("no-script", script(""))
    request["AppSpecification"]["ContainerEntrypoint"] = ["python3", "/opt/ml/processing/code/gone.py"]
    sagemaker.create_processing_job(**request)
    job = finished_processing(sagemaker, "no-script")
    assert job["ProcessingJobStatus"] == "Failed"
    assert "/opt/ml/processing/code/gone.py" in job["FailureReason"]


def test_a_program_that_is_missing_fails_with_its_name(sagemaker: Any, script: Callable[[str], str]) -> None:
    request = processing("no-program", script(""))
    request["AppSpecification"]["ContainerEntrypoint"] = ["no-such-program", "x"]
    sagemaker.create_processing_job(**request)
    job = finished_processing(sagemaker, "no-program")
    assert job["ProcessingJobStatus"] == "Failed"
    assert "no-such-program" in job["FailureReason"]


def test_a_container_killed_by_a_signal_is_reported_as_docker_does(
    run_processing: Callable[..., dict[str, Any]],
) -> None:
    job = run_processing("killed", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert job["ProcessingJobStatus"] == "Failed"
    assert "SIGKILL" in job["FailureReason"]
    assert job["FailureReason"].endswith("exit code: 137")


def test_one_failing_instance_ends_the_others(run_processing: Callable[..., dict[str, Any]]) -> None:
    code = """
import json, sys, time
host = json.load(open("/opt/ml/config/resourceconfig.json"))["current_host"]
sys.exit(3) if host == "algo-2" else time.sleep(60)
"""
    started = time.monotonic()
    job = run_processing("one-fails", code, ProcessingResources=cluster(2))
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].endswith("exit code: 3")
    assert time.monotonic() - started < 20


def test_an_output_that_was_never_written_is_no_error(
    run_processing: Callable[..., dict[str, Any]], s3: Any, bucket: str
) -> None:
    job = run_processing("silent", "pass", ProcessingOutputConfig=s3_outputs(f"s3://{bucket}/silent"))
    assert job["ProcessingJobStatus"] == "Completed"
    assert keys(s3, bucket, "silent") == []


def test_an_output_bucket_that_does_not_exist_fails_the_job(
    run_processing: Callable[..., dict[str, Any]],
) -> None:
    code = "open('/opt/ml/processing/out/x', 'w').write('x')"
    job = run_processing("no-bucket", code, ProcessingOutputConfig=s3_outputs("s3://no-such-bucket/x"))
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data upload failed:")
    assert "no-such-bucket" in job["FailureReason"]


def test_a_continuous_output_arrives_while_the_job_runs(
    sagemaker: Any, s3: Any, bucket: str, script: Callable[[str], str]
) -> None:
    code = """
import pathlib, time
pathlib.Path("/opt/ml/processing/out/early.csv").write_text("x")
time.sleep(60)
"""
    outputs = s3_outputs(f"s3://{bucket}/live", mode="Continuous")
    sagemaker.create_processing_job(**processing("live", script(code), ProcessingOutputConfig=outputs))
    eventually(lambda: keys(s3, bucket, "live"))
    job = sagemaker.describe_processing_job(ProcessingJobName="live")
    assert job["ProcessingJobStatus"] == "InProgress"
    sagemaker.stop_processing_job(ProcessingJobName="live")
    assert finished_processing(sagemaker, "live")["ProcessingJobStatus"] == "Stopped"


def test_an_exit_message_is_cut_at_a_kilobyte(run_processing: Callable[..., dict[str, Any]]) -> None:
    job = run_processing("talkative", "open('/opt/ml/output/message', 'w').write('é' * 600 )")
    assert job["ExitMessage"] == "é" * 512
    job = run_processing("uneven", "open('/opt/ml/output/message', 'w').write('x' + 'é' * 600 )")
    assert job["ExitMessage"] == "x" + "é" * 511


def test_an_exit_message_that_is_not_utf8_fails_the_job(
    run_processing: Callable[..., dict[str, Any]],
) -> None:
    job = run_processing("latin", r"open('/opt/ml/output/message', 'wb').write(b'caf\xe9 ok')")
    assert job["ProcessingJobStatus"] == "Failed"
    assert "not UTF-8" in job["FailureReason"]


def test_output_that_is_not_utf8_is_logged_with_replacements(
    run_processing: Callable[..., dict[str, Any]], logs: Any
) -> None:
    job = run_processing("bytes", r"import sys; sys.stdout.buffer.write(b'caf\xe9\n'); sys.exit(1)")
    assert job["FailureReason"] == "AlgorithmError: caf\ufffd, exit code: 1"
    assert log_lines(logs, GROUP, "bytes") == ["caf\ufffd"]


def test_every_line_of_a_hundred_thousand_is_logged_in_order(
    run_processing: Callable[..., dict[str, Any]], logs: Any
) -> None:
    code = "print('\\n'.join(f'line {number}' for number in range(100_000)))"
    job = run_processing("loud", code)
    assert job["ProcessingJobStatus"] == "Completed"
    assert log_lines(logs, GROUP, "loud") == [f"line {number}" for number in range(100_000)]


def test_a_hanging_script_is_stopped_at_its_time_limit(run_processing: Callable[..., dict[str, Any]]) -> None:
    limit = {"StoppingCondition": {"MaxRuntimeInSeconds": 1}}
    job = run_processing("hangs", "import time; time.sleep(60)", **limit)
    assert job["ProcessingJobStatus"] == "Stopped"
    assert "MaxRuntimeInSeconds (1 seconds)" in job["FailureReason"]


def test_stopping_a_running_job(sagemaker: Any, logs: Any, script: Callable[[str], str]) -> None:
    code = "import time; print('up', flush=True); time.sleep(60)"
    sagemaker.create_processing_job(**processing("stopme", script(code)))
    eventually(lambda: "up" in log_lines_if_any(logs, "stopme"))
    sagemaker.stop_processing_job(ProcessingJobName="stopme")
    job = sagemaker.describe_processing_job(ProcessingJobName="stopme")
    assert job["ProcessingJobStatus"] in ("Stopping", "Stopped")
    assert finished_processing(sagemaker, "stopme")["ProcessingJobStatus"] == "Stopped"
    with pytest.raises(
        ClientError, match="ValidationException.*because the processing job is in status Stopped"
    ):
        sagemaker.stop_processing_job(ProcessingJobName="stopme")


def log_lines_if_any(logs: Any, job: str) -> list[str]:
    try:
        return log_lines(logs, GROUP, job)
    except logs.exceptions.ResourceNotFoundException:
        return []


def test_a_name_can_be_used_once(
    run_processing: Callable[..., dict[str, Any]], sagemaker: Any, script: Callable[[str], str]
) -> None:
    run_processing("once", "pass")
    with pytest.raises(ClientError, match="ResourceInUse.*Job name must be unique.*processing-job/once"):
        sagemaker.create_processing_job(**processing("once", script("pass")))
    sagemaker.delete_processing_job(ProcessingJobName="once")
    assert run_processing("once", "pass")["ProcessingJobStatus"] == "Completed"


def test_a_missing_job_is_a_validation_exception_as_on_aws(sagemaker: Any) -> None:
    for operation in ("describe_processing_job", "stop_processing_job", "delete_processing_job"):
        with pytest.raises(ClientError) as error:
            getattr(sagemaker, operation)(ProcessingJobName="nobody")
        assert error.value.response["Error"]["Code"] == "ValidationException"


def test_boto3_in_a_script_talks_to_this_server(
    sagemaker: Any, script: Callable[[str], str], s3: Any, bucket: str
) -> None:
    code = (
        "import boto3, sys; boto3.client('s3').put_object(Bucket=sys.argv[1], Key='from-job', Body=b'hello')"
    )
    request = processing("boto", script(code), bucket)
    request["AppSpecification"]["ContainerEntrypoint"].remove("-S")
    sagemaker.create_processing_job(**request)
    job = finished_processing(sagemaker, "boto")
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert content(s3, bucket, "from-job") == b"hello"
