"""Approve a version of a model, find the newest approved one, reject a version.

Trigger with the ARN of a version as `version`, and the name of its group as `group`.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param, chain

from aws_ml.operators.registry import (
    SageMakerApproveModelPackageOperator,
    SageMakerDescribeModelPackageOperator,
    SageMakerNewestApprovedModelPackageOperator,
    SageMakerRejectModelPackageOperator,
)

VERSION = "{{ params.version }}"

with DAG(
    "example_registry",
    schedule=None,
    tags=["example"],
    params={
        "group": Param("my-models", type="string"),
        "version": Param("arn:aws:sagemaker:eu-west-1:123456789012:model-package/my-models/1", type="string"),
    },
):
    chain(
        SageMakerDescribeModelPackageOperator(task_id="describe", model_package_arn=VERSION),
        SageMakerApproveModelPackageOperator(
            task_id="approve", model_package_arn=VERSION, reason="better on fresh data"
        ),
        SageMakerNewestApprovedModelPackageOperator(task_id="newest", group="{{ params.group }}"),
        SageMakerRejectModelPackageOperator(
            task_id="reject", model_package_arn=VERSION, reason="drift was found"
        ),
    )
