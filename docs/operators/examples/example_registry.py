"""Register a version of a model, approve it, find the newest approved one, reject it."""

from __future__ import annotations

from airflow.sdk import DAG, chain

from aws_ml.operators.sagemaker_registry import (
    SageMakerApproveModelPackageOperator,
    SageMakerCreateModelPackageOperator,
    SageMakerDescribeModelPackageOperator,
    SageMakerNewestApprovedModelPackageOperator,
    SageMakerRejectModelPackageOperator,
)

GROUP = "my-models"
VERSION = "{{ ti.xcom_pull('register', key='arn') }}"

with DAG("example_registry", schedule=None, tags=["example"]):
    chain(
        SageMakerCreateModelPackageOperator(
            task_id="register",
            config={
                "ModelPackageGroupName": GROUP,  # made where there is none
                "ModelApprovalStatus": "PendingManualApproval",
                "InferenceSpecification": {
                    "Containers": [
                        {
                            "Image": "{{ macros.aws_ml.image_uri('xgboost', '3.2-0') }}",
                            "ModelDataUrl": "s3://{{ var.value.ml_bucket }}/examples/model.tar.gz",
                        }
                    ],
                    "SupportedContentTypes": ["text/csv"],
                    "SupportedResponseMIMETypes": ["text/csv"],
                },
                "CustomerMetadataProperties": {"run": "{{ macros.aws_ml.run_key(dag_run) }}"},
            },
        ),
        SageMakerDescribeModelPackageOperator(task_id="describe", model_package_arn=VERSION),
        SageMakerApproveModelPackageOperator(
            task_id="approve", model_package_arn=VERSION, reason="better on fresh data"
        ),
        SageMakerNewestApprovedModelPackageOperator(task_id="newest", group=GROUP),
        SageMakerRejectModelPackageOperator(
            task_id="reject", model_package_arn=VERSION, reason="drift was found"
        ),
    )
