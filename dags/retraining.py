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
`ML_RETRAINING_SCHEDULE` replaces the schedule (cron).
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow.providers.standard.sensors.date_time import DateTimeSensorAsync
from airflow.sdk import (
    DAG,
    Asset,
    AssetAny,
    AssetOrTimeSchedule,
    CronTriggerTimetable,
    Param,
    chain,
    task_group,
)

from aws_ml.operators.sagemaker import SageMakerEndpointConfigOperator
from include.use_cases.catalogue import CASES, CLASSIFIERS, RECOMMENDERS
from include.workflows.common.job_tasks import process, pulled, transform, update_endpoint
from include.workflows.common.params import INSTANCES
from include.workflows.common.staging import upload_code
from include.workflows.retraining import classifier, decision, recommender, traffic_shift

BUCKET = "{{ var.value.ml_bucket }}"
NAMES = list(CASES)


def wanted(step: str) -> str:
    """A template: the configuration that a step of the shift puts on the endpoint."""
    return pulled("retrain.shift", f"['{step}']['EndpointConfigName']")


with DAG(
    "retraining",
    description="Trains a challenger weekly or on drift; it replaces the champion only when it is better",
    doc_md=__doc__,
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable(os.environ.get("ML_RETRAINING_SCHEDULE", "0 4 * * 1"), timezone="UTC"),
        assets=AssetAny(*(Asset(f"drift/{name}") for name in NAMES)),
    ),
    catchup=False,
    is_paused_upon_creation=False,  # while a consumer is paused, drift events are lost
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=72),
    params={
        "use_cases": Param(NAMES, type="array", items={"enum": NAMES}, examples=NAMES, title="Use cases"),
        "overrides": Param(
            {},
            type="object",
            title="Params of the use case's DAG",
            description="Other hyperparameters, a seed ...",
        ),
        "ask": Param(
            False, type="boolean", title="Ask for approval", description="Even where the policy does not."
        ),
        "canary_minutes": Param(
            None,
            type=["null", "number"],
            minimum=0,
            title="Minutes of little traffic",
            description="Empty: policy.",
        ),
        "slowest_ms": Param(
            None,
            type=["null", "number"],
            title="Slowest answer in ms",
            description="99th percentile. Empty: policy.",
        ),
        "instance_type": Param("ml.m5.large", type="string", pattern=r"^ml\.", examples=INSTANCES),
    },
    tags=["ml", "sagemaker", "drift", "promotion"],
    default_args={"owner": "ml-platform", "retries": 1, "retry_delay": timedelta(seconds=30)},
):

    @task_group
    def retrain(cause: dict[str, Any]) -> None:
        """One use case."""
        planned = classifier.plan(cause, BUCKET, code)
        train = decision.train(planned, pulled("retrain.plan", "['champion']['use_case']"))
        contested = classifier.contest(planned, code)
        chain(*process("retrain", "assemble", planned["assemble"]), train, contested)

        held_out = process("retrain", "holdout", contested["holdout"])
        scores = [
            transform("retrain", f"score_{side}", contested[f"{side}_scores"])
            for side in (decision.CHAMPION, decision.CHALLENGER)
        ]
        compare, compared = process("retrain", "compare", contested["comparison"])
        gate = decision.gate(planned, contested)
        for start, wait in scores:
            chain(held_out[1], start, wait, compare)
        shift = traffic_shift.shift(planned, contested, BUCKET)
        chain(compared, gate, decision.approve(gate), shift)

        canary, final = (
            SageMakerEndpointConfigOperator(task_id=f"{step}_config", config=shift[f"{step}_config"])
            for step in ("canary", "final")
        )
        start_canary, canary_serves = update_endpoint("retrain", "canary", shift["canary"], wanted("canary"))
        until = traffic_shift.canary_until(planned)
        soak = DateTimeSensorAsync(task_id="soak", target_time=until)
        verified = traffic_shift.verify_variant.override(task_id="verify_canary")(
            planned, decision.CHALLENGER
        )
        start_final, final_serves = update_endpoint("retrain", "final", shift["final"], wanted("final"))
        verified_all = traffic_shift.verify_variant.override(task_id="verify_final")(
            planned, traffic_shift.ALL_TRAFFIC
        )
        chain(canary, start_canary, canary_serves, until, soak, verified)
        chain(verified, final, start_final, final_serves, verified_all)

        failed = traffic_shift.failed_shift()
        [canary_serves, verified, final_serves, verified_all] >> failed
        roll_back, old_serves = update_endpoint("retrain", "roll_back", failed, wanted("roll_back"))
        [verified_all, old_serves] >> decision.decide(
            cause, BUCKET, verified="verify_final", rolled_back="wait_for_roll_back"
        )

    code = upload_code("monitoring", BUCKET, ["jobs"])
    found = decision.causes()
    of_classifiers = decision.those_of.override(task_id="classifiers")(found, list(CLASSIFIERS))
    retrain.expand(cause=of_classifiers)
    for case in RECOMMENDERS.values():
        of_case = decision.those_of.override(task_id=case.name)(found, [case.name])
        recommender.renew(case, BUCKET, code).expand(cause=of_case)
