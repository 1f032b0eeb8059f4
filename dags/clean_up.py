"""
## Clean up

Deletes what the workflows created, and nothing else: what carries the tag `aws-ml:use-case`. A run is a **dry
run** unless the trigger form says otherwise; the log of **find** lists what there is.

The order is users before what they use: endpoints, their configurations, models, the versions in the
registry, dataset groups with all their campaigns and solutions; then, where asked for, the use cases' folders
in the bucket. Jobs that have ended cost nothing and stay: AWS offers no way to delete them. A run that failed
half-way can be repeated.

**Settings** are Airflow Variables: `ml_bucket`.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param, TriggerRule, chain

from aws_ml.operators.personalize import PersonalizeDeleteDatasetGroupOperator
from aws_ml.operators.sagemaker_endpoints import (
    SageMakerDeleteEndpointConfigOperator,
    SageMakerDeleteEndpointOperator,
)
from include.use_cases.catalogue import CASES
from include.workflows import clean_up
from include.workflows.common.dags import BUCKET, default_args, use_cases_param

with DAG(
    "clean_up",
    description="Deletes what the workflows created; a dry run first",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=6),
    params={
        "use_cases": use_cases_param(CASES),
        "dry_run": Param(True, type="boolean", title="Dry run", description="Only list what there is."),
        "objects": Param(
            False, type="boolean", title="Objects, too", description="Data, models and reports in the bucket."
        ),
    },
    tags=["ml", "sagemaker", "maintenance"],
    default_args=default_args(),
):
    resources = clean_up.find_resources()
    endpoints = SageMakerDeleteEndpointOperator.partial(task_id="delete_endpoints", deferrable=True).expand(
        endpoint_name=clean_up.chosen.override(task_id="endpoints")(resources["endpoint"])
    )
    # an endpoint that was deleted no longer uses its configuration
    configs = SageMakerDeleteEndpointConfigOperator.partial(
        task_id="delete_endpoint_configs", trigger_rule=TriggerRule.NONE_FAILED
    ).expand(config_name=clean_up.chosen.override(task_id="endpoint_configs")(resources["endpoint-config"]))
    groups = PersonalizeDeleteDatasetGroupOperator.partial(
        task_id="delete_dataset_groups", trigger_rule=TriggerRule.NONE_FAILED
    ).expand(dataset_group=clean_up.chosen.override(task_id="dataset_groups")(resources["dataset-group"]))
    chain(
        endpoints,
        configs,
        clean_up.delete_models(resources["model"]),
        clean_up.delete_groups(resources["model-package-group"]),
        groups,
        clean_up.delete_objects(BUCKET),
    )
