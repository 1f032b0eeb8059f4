from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.sagemaker.job_requests import (
    channel,
    eventually,
    finished_training,
    instances,
    log_lines,
    training,
    unpacked,
)

if TYPE_CHECKING:
    from collections.abc import Callable

GROUP = "/aws/sagemaker/TrainingJobs"
SAVE = "open('/opt/ml/model/weights', 'w').write('w')\n"
UNTIL_STOPPED = """
import signal, sys, time
def save(*_):
    open('/opt/ml/model/weights', 'w').write('saved late')
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print('ready', flush=True)
time.sleep(60)
"""


@pytest.fixture
def run(sagemaker: Any, bucket: str, script: Callable[[str], str]) -> Callable[..., dict[str, Any]]:
    """Runs code in a training job; returns the job when it has ended."""

    def run(name: str, code: str, **members: Any) -> dict[str, Any]:
        sagemaker.create_training_job(**training(name, script(code), bucket, **members))
        return finished_training(sagemaker, name)

    return run


def keys(s3: Any, bucket: str, prefix: str = "") -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]


@pytest.fixture
def waiting(sagemaker: Any, logs: Any, bucket: str, script: Callable[[str], str]) -> Callable[[str], None]:
    """Starts a training job that saves its weights when it gets SIGTERM, and is ready for that."""

    def ready(name: str) -> bool:
        try:
            return "ready" in log_lines(logs, GROUP, name)
        except logs.exceptions.ResourceNotFoundException:
            return False

    def waiting(name: str) -> None:
        sagemaker.create_training_job(**training(name, script(UNTIL_STOPPED), bucket))
        eventually(lambda: ready(name))

    return waiting


def test_a_model_is_trained_and_described_with_its_whole_history(
    run: Callable[..., dict[str, Any]], s3: Any, bucket: str
) -> None:
    s3.put_object(Bucket=bucket, Key="data/train/part-1.csv", Body=b"1,2\n")
    code = """
import os, shutil
shutil.copy("/opt/ml/input/data/train/part-1.csv", "/opt/ml/model/seen.csv")
open("/opt/ml/output/data/plot.txt", "w").write("plot")
"""
    job = run(
        "Churn-1",
        code,
        InputDataConfig=[channel("train", f"s3://{bucket}/data/train")],
        HyperParameters={"eta": "0.1"},
        VpcConfig={"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120},
    )
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["TrainingJobArn"].endswith(":123456789012:training-job/churn-1")
    model = f"s3://{bucket}/models/Churn-1/output/model.tar.gz"
    assert job["ModelArtifacts"] == {"S3ModelArtifacts": model}
    assert unpacked(s3, model) == {"seen.csv": b"1,2\n"}
    assert unpacked(s3, model.replace("model.tar", "output.tar")) == {"plot.txt": b"plot"}
    phases = [(each["Status"], each["StatusMessage"]) for each in job["SecondaryStatusTransitions"]]
    assert phases == [
        ("Starting", "Preparing the instances for training"),
        ("Downloading", "Downloading input data"),
        ("Training", "Training image download completed. Training in progress."),
        ("Uploading", "Uploading generated training model"),
        ("Completed", "Training job completed"),
    ]
    assert all(each["StartTime"] <= each["EndTime"] for each in job["SecondaryStatusTransitions"])
    assert job["SecondaryStatus"] == "Completed"
    assert job["TrainingStartTime"] <= job["TrainingEndTime"]
    assert job["TrainingTimeInSeconds"] >= job["BillableTimeInSeconds"] >= 1
    assert job["HyperParameters"] == {"eta": "0.1"}
    assert job["VpcConfig"] == {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}
    assert job["EnableManagedSpotTraining"] is True


def test_the_container_gets_its_configuration_and_environment(
    run: Callable[..., dict[str, Any]], sagemaker: Any, s3: Any, bucket: str
) -> None:
    s3.put_object(Bucket=bucket, Key="in/x.csv", Body=b"1\n")
    code = """
import json, os
folder = "/opt/ml/input/config/"
contents = {name: json.load(open(folder + name + ".json")) for name in
        ("hyperparameters", "inputdataconfig", "resourceconfig", "checkpointconfig")}
contents["environment"] = dict(os.environ)
json.dump(contents, open("/opt/ml/model/seen.json", "w"))
"""
    job = run(
        "configured",
        code,
        InputDataConfig=[channel("train", f"s3://{bucket}/in/")],
        HyperParameters={"depth": "3"},
        Environment={"STAGE": "test"},
        CheckpointConfig={"S3Uri": f"s3://{bucket}/checkpoints"},
    )
    contents = json.loads(unpacked(s3, job["ModelArtifacts"]["S3ModelArtifacts"])["seen.json"])
    assert contents["hyperparameters"] == {"depth": "3"}
    assert contents["inputdataconfig"]["train"] == {
        "ContentType": "text/csv",
        "TrainingInputMode": "File",
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
    }
    assert contents["resourceconfig"]["current_host"] == "algo-1"
    assert contents["resourceconfig"]["hosts"] == ["algo-1"]
    assert contents["checkpointconfig"]["LocalPath"] == "/opt/ml/checkpoints"
    assert contents["environment"]["STAGE"] == "test"
    assert contents["environment"]["TRAINING_JOB_NAME"] == "configured"
    assert contents["environment"]["TRAINING_JOB_ARN"] == job["TrainingJobArn"]
    assert contents["environment"]["AWS_REGION"] == sagemaker.meta.region_name


def test_the_last_value_of_a_metric_is_its_final_one(
    sagemaker: Any, logs: Any, bucket: str, script: Callable[[str], str]
) -> None:
    code = r"""
for epoch in range(3):
    print(f"epoch {epoch}\tloss={0.5 / (epoch + 1)}; accuracy=none")
"""
    request = training("metrics", script(code), bucket)
    request["AlgorithmSpecification"]["MetricDefinitions"] = [
        {"Name": "loss", "Regex": "#011loss=([0-9.]+)"},
        {"Name": "accuracy", "Regex": "accuracy=([a-z0-9.]+)"},
        {"Name": "never", "Regex": "never=([0-9.]+)"},
    ]
    sagemaker.create_training_job(**request)
    job = finished_training(sagemaker, "metrics")
    assert [(m["MetricName"], round(m["Value"], 4)) for m in job["FinalMetricDataList"]] == [("loss", 0.1667)]
    assert log_lines(logs, GROUP, "metrics")[0] == "epoch 0#011loss=0.5; accuracy=none"
    streams = logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix="metrics/")["logStreams"]
    assert [stream["logStreamName"].rsplit("-", 1)[0] for stream in streams] == ["metrics/algo-1"]


def test_the_failure_file_is_the_reason(run: Callable[..., dict[str, Any]], s3: Any, bucket: str) -> None:
    code = "open('/opt/ml/output/failure', 'w').write('column 3 is empty' + '!' * 2000); raise SystemExit(2)"
    job = run("explained", SAVE + code)
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: column 3 is empty!")
    assert job["FailureReason"].endswith("!, exit code: 2")
    assert len(job["FailureReason"]) <= 1024
    assert "ModelArtifacts" not in job
    assert keys(s3, bucket, "models/") == []


def test_a_failure_that_names_its_kind_keeps_it(run: Callable[..., dict[str, Any]]) -> None:
    code = "open('/opt/ml/output/failure', 'wb').write(b'ClientError: bad \\xff'); raise SystemExit(1)"
    job = run("client-error", code)
    assert job["FailureReason"] == "ClientError: bad \ufffd, exit code: 1"


def test_without_a_failure_file_the_last_lines_are_the_reason(run: Callable[..., dict[str, Any]]) -> None:
    job = run("traceback", "raise KeyError('label')")
    assert job["FailureReason"].endswith("KeyError: 'label', exit code: 1")


def test_checkpoints_are_restored_and_uploaded(
    run: Callable[..., dict[str, Any]], s3: Any, bucket: str
) -> None:
    code = """
import pathlib
epoch = pathlib.Path("/opt/ml/checkpoints/epoch")
epoch.write_text(str(int(epoch.read_text()) + 1 if epoch.exists() else 1))
"""
    for name in ("first", "second"):
        job = run(name, code, CheckpointConfig={"S3Uri": f"s3://{bucket}/kept"})
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert s3.get_object(Bucket=bucket, Key="kept/epoch")["Body"].read() == b"2"


def test_an_uncompressed_model_is_a_folder(run: Callable[..., dict[str, Any]], s3: Any, bucket: str) -> None:
    output = {"S3OutputPath": f"s3://{bucket}/plain/", "CompressionType": "NONE"}
    job = run("plain", SAVE, OutputDataConfig=output)
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{bucket}/plain/plain/output/model/"
    assert keys(s3, bucket, "plain/") == ["plain/plain/output/model/weights"]


def test_several_instances_write_one_model(run: Callable[..., dict[str, Any]], s3: Any) -> None:
    code = """
import json
config = json.load(open("/opt/ml/input/config/resourceconfig.json"))
open("/opt/ml/model/" + config["current_host"], "w").write(" ".join(config["hosts"]))
"""
    job = run("pair", code, ResourceConfig=instances(2))
    model = unpacked(s3, job["ModelArtifacts"]["S3ModelArtifacts"])
    assert model == {"algo-1": b"algo-1 algo-2", "algo-2": b"algo-1 algo-2"}


def test_a_stopped_job_keeps_what_it_saved(waiting: Callable[[str], None], sagemaker: Any, s3: Any) -> None:
    waiting("stopped")
    sagemaker.stop_training_job(TrainingJobName="stopped")
    job = finished_training(sagemaker, "stopped")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert unpacked(s3, job["ModelArtifacts"]["S3ModelArtifacts"]) == {"weights": b"saved late"}
    phases = [each["Status"] for each in job["SecondaryStatusTransitions"]]
    assert phases == ["Starting", "Downloading", "Training", "Stopping", "Stopped"]
    with pytest.raises(ClientError) as error:
        sagemaker.stop_training_job(TrainingJobName="stopped")
    assert error.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": "The request was rejected because the training job is in status Stopped.",
    }


def test_the_time_limit_stops_a_job_and_keeps_what_it_saved(
    run: Callable[..., dict[str, Any]], s3: Any
) -> None:
    limit = {"MaxRuntimeInSeconds": 2}
    job = run("limited", UNTIL_STOPPED, StoppingCondition=limit)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert "MaxRuntimeInSeconds (2 seconds)" in job["SecondaryStatusTransitions"][-1]["StatusMessage"]
    assert unpacked(s3, job["ModelArtifacts"]["S3ModelArtifacts"]) == {"weights": b"saved late"}


def test_a_name_can_be_used_once(
    run: Callable[..., dict[str, Any]], sagemaker: Any, bucket: str, script: Callable[[str], str]
) -> None:
    job = run("once", SAVE)
    with pytest.raises(ClientError) as error:
        sagemaker.create_training_job(**training("once", script(SAVE), bucket))
    assert error.value.response["Error"] == {
        "Code": "ResourceInUse",
        "Message": "Training job names must be unique within an AWS account and region, and a training job "
        f"with this name already exists ({job['TrainingJobArn']})",
    }
    sagemaker.delete_training_job(TrainingJobName="once")
    with pytest.raises(ClientError, match="ValidationException.*Requested resource not found"):
        sagemaker.describe_training_job(TrainingJobName="once")


def test_a_running_job_cannot_be_deleted(waiting: Callable[[str], None], sagemaker: Any) -> None:
    waiting("busy")
    with pytest.raises(ClientError, match="ResourceInUse.*InProgress"):
        sagemaker.delete_training_job(TrainingJobName="busy")
    sagemaker.stop_training_job(TrainingJobName="busy")
    finished_training(sagemaker, "busy")
