"""A server process that is ended by SIGKILL or SIGTERM in the middle of a job."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.local_aws.sagemaker.hosting import tiny_model
from tests.local_aws.sagemaker.job_requests import (
    eventually,
    finished_processing,
    log_lines,
    processing,
    s3_outputs,
    training,
    upload,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local_aws.conftest import ServerProcess

HANGING = "import time; print('up', flush=True); time.sleep(60)"
REASON = "InternalServerError: the local AWS server stopped while the job was running"


def up(logs: Any, group: str, name: str) -> None:
    def printed() -> bool:
        try:
            return "up" in log_lines(logs, group, name)
        except logs.exceptions.ResourceNotFoundException:
            return False

    eventually(printed)


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM])
def test_running_jobs_are_failed_after_a_restart_and_finished_ones_are_still_there(
    start: Callable[[], ServerProcess], death: signal.Signals
) -> None:
    server = start()
    sagemaker, s3, logs = (server.client(service) for service in ("sagemaker", "s3", "logs"))
    s3.create_bucket(Bucket="kept")
    code = upload(s3, "kept", "open('/opt/ml/processing/out/x', 'w').write('x')")
    hanging = upload(s3, "kept", HANGING)
    outputs = s3_outputs("s3://kept/out")
    sagemaker.create_processing_job(**processing("done", code, ProcessingOutputConfig=outputs))
    done = finished_processing(sagemaker, "done")
    arn = sagemaker.create_training_job(**training("hanging", hanging, "kept"))["TrainingJobArn"]
    up(logs, "/aws/sagemaker/TrainingJobs", "hanging")
    server.end(death)

    server = start()
    sagemaker, s3 = server.client("sagemaker"), server.client("s3")
    job = sagemaker.describe_training_job(TrainingJobName="hanging")
    assert (job["TrainingJobArn"], job["TrainingJobStatus"], job["FailureReason"]) == (arn, "Failed", REASON)
    assert job["SecondaryStatus"] == "Failed"
    assert "ModelArtifacts" not in job
    still = sagemaker.describe_processing_job(ProcessingJobName="done")
    del done["ResponseMetadata"], still["ResponseMetadata"]
    assert still == done
    assert s3.get_object(Bucket="kept", Key="out/x")["Body"].read() == b"x"
    again = training("hanging-2", hanging, "kept")
    assert sagemaker.create_training_job(**again)["TrainingJobArn"].endswith("training-job/hanging-2")


def test_after_a_kill_an_endpoint_answers_again_and_a_transform_job_has_failed(
    start: Callable[[], ServerProcess],
) -> None:
    server = start()
    s3, sagemaker = server.client("s3"), server.client("sagemaker")
    s3.create_bucket(Bucket="bucket")
    definition = tiny_model.container(s3, "bucket", 2)
    sagemaker.create_model(ModelName="double", PrimaryContainer=definition, ExecutionRoleArn=tiny_model.ROLE)
    variants = [tiny_model.variant("double")]
    sagemaker.create_endpoint_config(EndpointConfigName="double", ProductionVariants=variants)
    sagemaker.create_endpoint(EndpointName="double", EndpointConfigName="double")
    assert tiny_model.settled(sagemaker, "double")["EndpointStatus"] == "InService"
    s3.put_object(Bucket="bucket", Key="in/a.csv", Body=b"slow\n")
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/in"}}
    sagemaker.create_transform_job(
        TransformJobName="cut",
        ModelName="double",
        TransformInput={"DataSource": source, "ContentType": "text/csv"},
        TransformOutput={"S3OutputPath": "s3://bucket/out"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    started = "TransformStartTime"
    eventually(lambda: started in sagemaker.describe_transform_job(TransformJobName="cut"))
    server.end(signal.SIGKILL)

    server = start()
    sagemaker, runtime = server.client("sagemaker"), server.client("sagemaker-runtime")
    job = sagemaker.describe_transform_job(TransformJobName="cut")
    assert (job["TransformJobStatus"], job["FailureReason"]) == ("Failed", REASON)
    assert "Contents" not in server.client("s3").list_objects_v2(Bucket="bucket", Prefix="out")
    assert tiny_model.settled(sagemaker, "double")["EndpointStatus"] == "InService"
    answer = runtime.invoke_endpoint(EndpointName="double", Body=b"1,2", ContentType="text/csv")
    assert answer["Body"].read() == b"2.0,4.0"
