"""
## Movie recommendations

What does a user want to watch next? What is like a film? Who would like a new one? The workflow trains
several recipes of Amazon Personalize side by side, puts those that serve behind campaigns, and proves by
held-out events what each is worth.

| step | what happens | where |
|---|---|---|
| **stage_...**, **upload_code** | ratings, films, users, scripts go to S3 | Airflow |
| **prepare** | reads and splits: new films and newest events stay out of the training | processing job |
| **validate** | every row against its schema, the minimums, room in the quotas | Airflow |
| **dataset_group**, **import_...** | schemas, datasets, imports | Personalize |
| **popularity** ... **ranking** | each a solution, a version, its metrics, a campaign | Personalize |
| **offline_metrics**, **record** | the service's metrics in one table; what learned from what | Airflow |
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

from datetime import timedelta

from airflow.sdk import DAG, Param, TaskGroup, chain

from aws_ml.operators.personalize import (
    PersonalizeBatchInferenceJobOperator,
    PersonalizeDeleteDatasetGroupOperator,
    PersonalizeEventTrackerOperator,
    PersonalizeFilterOperator,
)
from aws_ml.sensors.personalize import PersonalizeBatchInferenceJobSensor
from include.use_cases.movie_recommendations.use_case import MOVIES
from include.workflows.common.params import INSTANCES, own_data
from include.workflows.common.processing import processing
from include.workflows.common.staging import stage_data, upload_code
from include.workflows.recommendation import holdout, training
from include.workflows.recommendation.campaigns import record, run_folder
from include.workflows.recommendation.training import CLICKS, GROUP, ROLE, RUN_KEY, UNSEEN, arn_of

BUCKET = "{{ var.value.ml_bucket }}"
RUN = run_folder(MOVIES.name, BUCKET, RUN_KEY)
SKLEARN = f"{{{{ macros.aws_ml.image_uri('sklearn', '{MOVIES.sklearn_version}') }}}}"
KEYS = [one.key for one in MOVIES.recommenders]
PERSONAL = MOVIES.primary.key


with DAG(
    "movie_recommendations",
    description=MOVIES.title,
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=48),
    params={
        **{f"{kind.lower()}_uri": own_data(kind.lower()) for kind in MOVIES.datasets},
        "dataset_group": Param(
            MOVIES.dataset_group,
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
        word: stage_data.override(task_id=f"stage_{word}")(name, BUCKET, f"{{{{ params.{word}_uri or '' }}}}")
        for word, name in ((kind.lower(), name) for kind, name in MOVIES.datasets.items())
    }
    code = upload_code(MOVIES.name, BUCKET, ["jobs", "use_cases/movie_recommendations/jobs"])
    prepare, prepared = processing(
        "movies",
        "prepare",
        image=SKLEARN,
        run=RUN,
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
    group, imports = training.load(MOVIES, RUN)
    chain([*staged.values(), code], prepare, prepared, training.validate(MOVIES, RUN), group)

    trained = {one.key: training.train(one) for one in MOVIES.recommenders}
    unseen = PersonalizeFilterOperator(
        task_id="filter_unseen",
        config={
            "name": UNSEEN,
            "datasetGroupArn": arn_of("dataset_group"),
            "filterExpression": f'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("{MOVIES.event_type}")',
        },
        deferrable=True,
    )
    tracker = PersonalizeEventTrackerOperator(
        task_id="event_tracker",
        config={"name": CLICKS, "datasetGroupArn": arn_of("dataset_group")},
        deferrable=True,
    )
    imports >> [*trained.values(), unseen, tracker]

    published = {"metrics": dict(MOVIES.published), "source": MOVIES.published_source}
    offline = training.offline_metrics(KEYS, RUN, published)
    recorded = record(
        MOVIES.name, RUN, KEYS, {word: f"{{{{ ti.xcom_pull('stage_{word}')['uri'] }}}}" for word in staged}
    )
    list(trained.values()) >> offline >> recorded
    with TaskGroup("ask", prefix_group_id=False) as asked:
        for one in MOVIES.recommenders:
            if one.ask:
                question = holdout.ask_campaign.override(task_id=f"ask_{one.key}")
                question(one.key, one.ask, RUN, "{{ params.holdout_users }}")
    [unseen, offline] >> asked

    with TaskGroup("batch"):
        batch = PersonalizeBatchInferenceJobOperator(
            task_id="start",
            config={
                "jobName": f"batch-{RUN_KEY}",
                "solutionVersionArn": arn_of(f"{PERSONAL}.train"),
                "jobInput": {"s3DataSource": {"path": f"{RUN}/batch/users.json"}},
                "jobOutput": {"s3DataDestination": {"path": f"{RUN}/recommendations/"}},
                "filterArn": arn_of("filter_unseen"),
                "roleArn": ROLE,
            },
            wait_for_completion=False,
        )
        batched = PersonalizeBatchInferenceJobSensor(
            task_id="wait", arn=arn_of("batch.start"), deferrable=True
        )
        # of the version, whether it has a campaign or not
        [trained[PERSONAL].get_child_by_label("wait_for_train"), unseen] >> batch >> batched

    clicked = holdout.session(MOVIES.event_type, RUN, PERSONAL)
    # asked before the clicks: the hold-out is measured without them
    [asked, tracker] >> clicked

    evaluate, evaluated = processing(
        "movies",
        "evaluate",
        script="evaluate_recommenders.py",
        image=SKLEARN,
        run=RUN,
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
    chain(asked, evaluate, evaluated)
    announced = training.publish(MOVIES.name, RUN, "{{ ti.xcom_pull('stage_interactions')['source'] }}")
    evaluated >> announced

    teardown = PersonalizeDeleteDatasetGroupOperator(
        task_id="teardown", dataset_group=GROUP, pre_execute=training.unless_asked_for
    )
    [announced, recorded, batched, clicked] >> teardown.as_teardown(setups=group)
