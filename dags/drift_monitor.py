"""
## Drift monitor

Does the traffic still look like the data that the model has learned from? Once a day every deployed use
case is measured. Where drift is confirmed, the asset `drift/<use case>` is emitted, and the DAG `retraining`
runs.

| step | what happens |
|---|---|
| **deployed** | which use cases have an endpoint, or campaigns, in service |
| **check_service** | fails where an endpoint, or a campaign, failed or serves another model |
| **monitor** | for each of them: |
| · **window** | picks the requests of the window and the labels that came for them, or the interactions |
| · **compare** | a processing job compares them with the baseline of the version that serves |
| · **judge** | ok, watch, drift, not enough data or unreadable; N drifted windows of M confirm a drift |
| · **notify** | tells people of watch, drift and unreadable traffic, where somebody is named |

Reports stay in S3, one folder a window: `s3://<bucket>/<use case>/monitoring/<run>/report/report.html`.
How drift is measured, and which policy decides: `docs/drift.md`.

**Settings** are Airflow Variables: `ml_bucket`, `ml_role_arn`; who is told: `ml_notifier` or
`ml_sns_topic_arn`. The environment variable `ML_DRIFT_MONITOR_SCHEDULE` replaces the schedule (cron),
`ML_DRIFT_WINDOW_HOURS` the length of a window.
"""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable, Param, chain, task_group

from include.use_cases.catalogue import CASES
from include.workflows.common.dags import BUCKET, default_args, use_cases_param
from include.workflows.common.folders import SHARED_CODE
from include.workflows.common.job_tasks import PROCESSING, start_and_wait
from include.workflows.common.params import instance_type
from include.workflows.common.staging import upload_code
from include.workflows.common.xcom import reference
from include.workflows.monitoring import windows

WINDOW = os.environ.get("ML_DRIFT_WINDOW_HOURS")


with DAG(
    "drift_monitor",
    description="Compares the traffic of every use case with what its model has learned from",
    doc_md=__doc__,
    schedule=CronTriggerTimetable(os.environ.get("ML_DRIFT_MONITOR_SCHEDULE", "0 3 * * *"), timezone="UTC"),
    catchup=False,
    is_paused_upon_creation=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=6),
    params={
        "use_cases": use_cases_param(CASES),
        "window_hours": Param(
            float(WINDOW) if WINDOW else None,
            type=["null", "number"],
            exclusiveMinimum=0,
            title="Window in hours",
            description="It ends now. Empty: as the use case says.",
        ),
        "instance_type": instance_type("ml.m5.large"),
    },
    tags=["ml", "sagemaker", "drift"],
    default_args=default_args(),
):

    @task_group
    def monitor(serving: dict[str, str]) -> None:
        """One deployed use case."""
        window = windows.window(serving, BUCKET, code)
        compare = start_and_wait(PROCESSING, "compare", window)
        report = windows.judge(serving, BUCKET)
        faults = [reference(task, windows.FAULTS) for task in (window, report)]
        chain(*compare, report, windows.notify(report, faults))

    code = upload_code(SHARED_CODE, BUCKET, ["jobs"])
    serving = windows.deployed(BUCKET)
    monitor.expand(serving=serving)
    windows.check_service(reference(serving, windows.FAULTS))
