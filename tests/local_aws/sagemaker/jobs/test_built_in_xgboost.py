"""Training jobs with the image's own algorithm."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_aws.sagemaker.job_requests import XGBOOST, channel, finished_training, training, unpacked


def built_in_xgboost(name: str, bucket: str, **hyperparameters: str) -> dict[str, Any]:
    request = training(name, "s3://none", bucket)
    request["InputDataConfig"] = [channel("train", f"s3://{bucket}/tiny/")]
    request["AlgorithmSpecification"] = {"TrainingImage": XGBOOST, "TrainingInputMode": "File"}
    request["HyperParameters"] = hyperparameters
    return request


@pytest.fixture
def tiny_data(s3: Any, bucket: str) -> None:
    rows = "".join(f"{i % 2},{i},{(i * 7) % 5}\n" for i in range(40))
    s3.put_object(Bucket=bucket, Key="tiny/train.csv", Body=rows.encode())


@pytest.mark.usefixtures("tiny_data")
def test_the_built_in_xgboost_reports_its_own_metrics(sagemaker: Any, s3: Any, bucket: str) -> None:
    request = built_in_xgboost(
        "xgb", bucket, num_round="2", objective="binary:logistic", eval_metric="auc,logloss"
    )
    sagemaker.create_training_job(**request)
    job = finished_training(sagemaker, "xgb")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert {m["MetricName"] for m in job["FinalMetricDataList"]} == {"train:auc", "train:logloss"}
    defined = {d["Name"] for d in job["AlgorithmSpecification"]["MetricDefinitions"]}
    assert {"train:auc", "validation:auc", "validation:rmse"} <= defined
    assert list(unpacked(s3, job["ModelArtifacts"]["S3ModelArtifacts"])) == ["xgboost-model"]


@pytest.mark.usefixtures("tiny_data")
def test_an_unknown_hyperparameter_is_the_reason(sagemaker: Any, bucket: str) -> None:
    sagemaker.create_training_job(**built_in_xgboost("extra", bucket, num_round="2", foo="1"))
    job = finished_training(sagemaker, "extra")
    assert job["TrainingJobStatus"] == "Failed"
    assert "Extraneous hyperparameter found: foo" in job["FailureReason"]
