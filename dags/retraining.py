"""
## Retraining

A new model replaces the old one only when it is better. The DAG runs once a week and when `drift_monitor` has
confirmed a drift (asset `drift/<use case>`); the use case's policy decides whether a challenger is trained.

| step | what happens |
|---|---|
| **causes** | which use cases, and why: drift, the clock, or a person |
| **retrain** | for each of them: |
| · **plan** | cool-down and weekly limit; which data |
| · **assemble** | the champion's data and the labelled traffic since then |
| · **train** | the use case's own DAG, without its deployment; registers a version |
| · **holdout** … **gate** | both models on the same rows, which neither knows; is the challenger better? |
| · **approve** | a person is asked, where the policy says so |
| · **shift** … **verify_final** | the challenger gets a little traffic, is verified, gets all |
| · **roll_back** | the old configuration again, where the shift failed |
| · **decide** | `decision.json` says what happened and why; the version is approved or rejected |
| **renew_...** | the same for a recommendation use case: batch lists are compared, campaigns are moved |

What is left: `s3://<bucket>/<use case>/retraining/<run>/` with `comparison/report.html` and `decision.json`.
The policies stand in `include/use_cases/<use case>/use_case.py`; `docs/drift.md` explains them.

**Settings** are Airflow Variables: `ml_bucket`, `ml_role_arn`. The environment variable
`ML_RETRAINING_SCHEDULE` replaces the schedule (cron), `ML_SETTLE_MINUTES` says how long captured requests and
labels take to reach S3 (10 minutes).
"""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.sdk import DAG, Asset, AssetAny, AssetOrTimeSchedule, CronTriggerTimetable, Param

from include.use_cases.catalogue import CASES, CLASSIFIERS, RECOMMENDERS
from include.use_cases.definition import LONGEST_CANARY
from include.workflows.common.dags import BUCKET, default_args, use_cases_param
from include.workflows.common.folders import SHARED_CODE
from include.workflows.common.params import instance_type
from include.workflows.common.staging import upload_code
from include.workflows.common.xcom import reference
from include.workflows.retraining.causes import FAULTS, causes, causes_of, report_events
from include.workflows.retraining.classifier import retrain
from include.workflows.retraining.overrides import overrides_param
from include.workflows.retraining.recommender import renew

with DAG(
    "retraining",
    description="Trains a challenger weekly or on drift; it replaces the champion only when it is better",
    doc_md=__doc__,
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable(os.environ.get("ML_RETRAINING_SCHEDULE", "0 4 * * 1"), timezone="UTC"),
        assets=AssetAny(*(Asset(f"drift/{name}") for name in CASES)),
    ),
    catchup=False,
    is_paused_upon_creation=False,  # while a consumer is paused, drift events are lost
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=72),
    params={
        "use_cases": use_cases_param(CASES),
        "overrides": overrides_param(CASES.values()),
        "ask": Param(
            False, type="boolean", title="Ask for approval", description="Even where the policy does not."
        ),
        "canary_minutes": Param(
            None,
            type=["null", "number"],
            minimum=0,
            maximum=LONGEST_CANARY.total_seconds() / 60,
            title="Minutes of little traffic",
            description="Empty: policy.",
        ),
        "settle_minutes": Param(
            float(os.environ.get("ML_SETTLE_MINUTES", "10")),
            type="number",
            minimum=0,
            title="Minutes until requests and labels are in S3",
            description="What came in the last ones is the next retraining's.",
        ),
        "slowest_ms": Param(
            None,
            type=["null", "number"],
            exclusiveMinimum=0,
            title="Slowest answer in ms",
            description="99th percentile. Empty: policy.",
        ),
        "instance_type": instance_type("ml.m5.large"),
    },
    tags=["ml", "sagemaker", "drift", "promotion"],
    default_args=default_args(),
):
    code = upload_code(SHARED_CODE, BUCKET, ["jobs"])
    all_causes = causes()
    report_events(reference(all_causes, FAULTS))
    of_classifiers = causes_of.override(task_id="classifiers")(all_causes, list(CLASSIFIERS))
    retrain(of_classifiers, BUCKET, code)
    for case in RECOMMENDERS.values():
        of_case = causes_of.override(task_id=case.name)(all_causes, [case.name])
        renew(case, of_case, BUCKET, code)
