"""
## Movie recommendations

What does a user want to watch next? What is like a film? Who would like a new one? The workflow trains
several recipes of Amazon Personalize side by side, puts those that serve behind campaigns, and proves by
held-out events what each is worth.

| step | what happens | where |
|---|---|---|
| **stage_...**, **upload_code** | ratings, films, users, scripts go to S3 | Airflow |
| **prepare** | validates; keeps new films and newest events out of the training | processing job |
| **dataset_group**, **import_...** | schemas, datasets, imports | Personalize |
| **popularity** ... **ranking** | each a solution, a version, its metrics, a campaign | Personalize |
| **offline_metrics** | the service's own metrics in one table | Airflow |
| **ask_...**, **evaluate** | every campaign, every user of the hold-out; HTML report | processing job |
| **event_tracker**, **session** | a user clicks: the next recommendations change | Personalize |
| **batch** | recommendations for all users of the hold-out, as a file | batch job |
| **publish** | announces the metrics as the asset `model/movie_recommendations` | Airflow |
| **teardown** | deletes the dataset group and all in it, where asked for | Personalize |

The dataset group stays from run to run: a run imports its data anew, trains new versions and updates the
campaigns. Runs follow each other; a second one waits.

**Your own data**: `interactions_uri`, `items_uri` and `users_uri`, S3 URIs of CSV files with the columns that
`include/use_cases/movie_recommendations/README.md` names.

**Settings** are Airflow Variables: `ml_bucket`; `ml_role_arn`, the role that SageMaker assumes;
`ml_personalize_role_arn`, the one that Personalize assumes.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Asset, Param, TaskGroup, TriggerRule, chain, task
from airflow.sdk.exceptions import AirflowSkipException

from aws_ml.operators.personalize import (
    PersonalizeBatchInferenceJobOperator,
    PersonalizeDeleteDatasetGroupOperator,
    PersonalizeEventTrackerOperator,
    PersonalizeFilterOperator,
)
from aws_ml.operators.sagemaker import SageMakerProcessingOperator
from aws_ml.sensors.personalize import PersonalizeBatchInferenceJobSensor
from aws_ml.sensors.sagemaker import SageMakerProcessingSensor
from include import requests
from include.task_groups import recommending
from include.task_groups.params import INSTANCES
from include.task_groups.recommending import GROUP, ROLE, RUN_KEY, arn_of
from include.task_groups.staging import stage_data, upload_code
from include.use_cases.movie_recommendations.use_case import MOVIES

BUCKET = "{{ var.value.ml_bucket }}"
RUN = f"s3://{BUCKET}/movie_recommendations/runs/{RUN_KEY}"
SKLEARN = f"{{{{ macros.aws_ml.image_uri('sklearn', '{MOVIES.sklearn_version}') }}}}"
CODE = "{{ ti.xcom_pull('upload_code')['files'] }}"
KEYS = [one.key for one in MOVIES.recommenders]
PERSONAL = next(one.key for one in MOVIES.recommenders if one.ask == "user")
MODEL = Asset("model/movie_recommendations")


def own_data(kind: str) -> Param:
    """A field of the trigger form for a user's own file."""
    return Param(
        "",
        type="string",
        pattern="^(s3://[^/]+/.+)?$",
        title=f"Your own {kind}",
        description="S3 URI of a CSV file. Empty: the sample data is put into your bucket.",
        section="Data",
    )


def processing(
    step: str, script: str, inputs: dict[str, str], outputs: list[str], arguments: list[str]
) -> Any:
    """A processing job of this use case and the sensor that waits for it."""
    start = SageMakerProcessingOperator(
        task_id=step,
        config=requests.processing(
            f"{{{{ macros.aws_ml.resource_name('movies', '{step}', dag_run) }}}}",
            image=SKLEARN,
            script=script,
            inputs={"code": CODE, **inputs},
            outputs={name: f"{RUN}/{name}" for name in outputs},
            arguments=arguments,
            instance_type="{{ params.processing_instance_type }}",
        ),
        wait_for_completion=False,
        trigger_rule=TriggerRule.NONE_FAILED,
    )
    wait = SageMakerProcessingSensor(
        task_id=f"wait_for_{step}",
        job_name=f"{{{{ ti.xcom_pull('{step}')['Processing']['ProcessingJobName'] }}}}",
        deferrable=True,
    )
    start >> wait
    return start, wait


def unless_asked_for(context: Any) -> None:
    """Skip the teardown where the trigger form does not ask for it."""
    if not context["params"]["teardown"]:
        raise AirflowSkipException("The trigger form does not ask for a teardown.")


@task(outlets=[MODEL], trigger_rule=TriggerRule.NONE_FAILED)
def publish(run: str, source: str, **context: Any) -> dict[str, Any]:
    """Put what the run achieved on the asset event, and return it."""
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    bucket, key = S3Hook.parse_s3_url(f"{run}/evaluation/evaluation.json")
    found = json.loads(S3Hook().read_key(key, bucket))
    results = {
        "use_case": "movie_recommendations",
        "run": run.rsplit("/", 1)[-1],
        "dataset_group": context["params"]["dataset_group"],
        "evaluation": f"{run}/evaluation",
        "data_source": source,
        "metrics": found["holdout"],
        "new_items": found["new_items"],
    }
    context["outlet_events"][MODEL].extra = results
    return results


with DAG(
    "movie_recommendations",
    description=MOVIES.title,
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=48),
    params={
        "interactions_uri": own_data("interactions"),
        "items_uri": own_data("items"),
        "users_uri": own_data("users"),
        "dataset_group": Param(
            MOVIES.name,
            type="string",
            pattern="^[a-zA-Z0-9][a-zA-Z0-9-]{0,39}$",
            title="Dataset group",
            description="Made where there is none; used again, with its campaigns, where there is one.",
        ),
        "recommenders": Param(KEYS, type="array", items={"enum": KEYS}, examples=KEYS, title="Recommenders"),
        "deploy": Param(True, type="boolean", title="Deploy", description="Create or update campaigns."),
        "min_tps": Param(1, type="integer", minimum=1, title="Provisioned requests a second, each campaign"),
        "holdout_users": Param(1000, type="integer", minimum=1, title="Users that are asked for, at most"),
        "split_seed": Param(MOVIES.split_seed, type="integer", minimum=0, title="Seed of the split"),
        "teardown": Param(False, type="boolean", title="Delete everything at the end"),
        "processing_instance_type": Param(
            MOVIES.instance_type, type="string", pattern=r"^ml\.", examples=INSTANCES, section="Instances"
        ),
    },
    tags=list(MOVIES.tags),
    default_args={"owner": MOVIES.owner, "retries": 1, "retry_delay": timedelta(seconds=30)},
):
    staged = {
        word: stage_data.override(task_id=f"stage_{word}")(name, BUCKET, f"{{{{ params.{word}_uri }}}}")
        for word, name in ((kind.lower(), name) for kind, name in MOVIES.datasets.items())
    }
    code = upload_code("movie_recommendations", BUCKET, ["jobs", "use_cases/movie_recommendations/jobs"])
    prepare, prepared = processing(
        "prepare",
        "prepare.py",
        inputs={
            name: f"{{{{ ti.xcom_pull('stage_{word}')['uri'] }}}}"
            for name, word in (("ratings", "interactions"), ("items", "items"), ("users", "users"))
        },
        outputs=["interactions", "items", "users", "truth", "batch", "summary"],
        arguments=[
            *("--seed", "{{ params.split_seed }}"),
            *("--cold-share", str(MOVIES.cold_share)),
            *("--holdout-share", str(MOVIES.holdout_share)),
            *("--event-type", MOVIES.event_type),
        ],
    )
    group, imported = recommending.load(MOVIES, RUN)
    chain([*staged.values(), code], prepare, prepared, group)

    trained = {one.key: recommending.train(one) for one in MOVIES.recommenders}
    unseen = PersonalizeFilterOperator(
        task_id="filter_unseen",
        config={
            "name": f"{GROUP}-unseen",
            "datasetGroupArn": arn_of("dataset_group"),
            "filterExpression": f'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("{MOVIES.event_type}")',
        },
        deferrable=True,
    )
    tracker = PersonalizeEventTrackerOperator(
        task_id="event_tracker",
        config={"name": f"{GROUP}-clicks", "datasetGroupArn": arn_of("dataset_group")},
        deferrable=True,
    )
    for one in trained.values():
        imported >> one
    imported >> unseen
    imported >> tracker

    published = {"metrics": dict(MOVIES.published), "source": MOVIES.published_source}
    offline = recommending.offline_metrics(KEYS, RUN, published)
    answers = []
    for one in MOVIES.recommenders:
        trained[one.key] >> offline
        if one.ask:
            asked = recommending.ask_campaign.override(task_id=f"ask_{one.key}")(
                one.key, one.ask, RUN, "{{ params.holdout_users }}"
            )
            [trained[one.key], unseen] >> asked
            answers.append(asked)

    with TaskGroup("batch"):
        batch = PersonalizeBatchInferenceJobOperator(
            task_id="start",
            config={
                "jobName": f"batch-{RUN_KEY}",
                "solutionVersionArn": arn_of(f"{PERSONAL}.train"),
                "jobInput": {"s3DataSource": {"path": f"{RUN}/batch/users.json"}},
                "jobOutput": {"s3DataDestination": {"path": f"{RUN}/recommendations/"}},
                "roleArn": ROLE,
            },
            wait_for_completion=False,
        )
        batched = PersonalizeBatchInferenceJobSensor(
            task_id="wait", arn=arn_of("batch.start"), deferrable=True
        )
        trained[PERSONAL] >> batch >> batched

    clicked = recommending.session(MOVIES.event_type, RUN, PERSONAL)
    # asked before the clicks: the hold-out is measured without them
    [*answers, tracker] >> clicked

    evaluate, evaluated = processing(
        "evaluate",
        "evaluate.py",
        inputs={
            name: f"{RUN}/{name}/"
            for name in ("answers", "offline", "published", "truth", "summary", "interactions")
        },
        outputs=["evaluation"],
        arguments=[
            *("--title", MOVIES.title),
            *("--data-source", "{{ ti.xcom_pull('stage_interactions')['source'] }}"),
        ],
    )
    chain([offline, *answers], evaluate, evaluated)
    announced = publish(RUN, "{{ ti.xcom_pull('stage_interactions')['source'] }}")
    [evaluated, batched, clicked] >> announced

    teardown = PersonalizeDeleteDatasetGroupOperator(
        task_id="teardown", dataset_group=GROUP, pre_execute=unless_asked_for
    )
    announced >> teardown.as_teardown(setups=group)
