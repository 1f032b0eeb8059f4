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
    PersonalizeDeleteDatasetGroupOperator,
    PersonalizeEventTrackerOperator,
    PersonalizeFilterOperator,
)
from include.aws.sagemaker_requests import processing, tagged
from include.use_cases.movie_recommendations.use_case import MOVIES
from include.workflows.common.job_tasks import (
    BATCH_INFERENCE,
    PROCESSING,
    Pair,
    image_template,
    name_template,
    start_and_wait,
)
from include.workflows.common.params import TEARDOWN, instance_type, own_data, unless_teardown
from include.workflows.common.staging import stage_data, upload_code
from include.workflows.common.xcom import reference, xcom
from include.workflows.recommendation import holdout, training
from include.workflows.recommendation.campaigns import record_run, run_folder
from include.workflows.recommendation.training import CLICKS, GROUP, ROLE, RUN_KEY, UNSEEN, arn_of

Uris = dict[str, str]
BUCKET = "{{ var.value.ml_bucket }}"
RUN = run_folder(MOVIES.name, BUCKET, RUN_KEY)
KEYS = [recommender.key for recommender in MOVIES.recommenders]
ANSWERS = ("answers", "offline", "published", "truth", "summary", "interactions")


with DAG(
    MOVIES.name,
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
            description="Created where there is none; used again, with its campaigns, where there is one.",
        ),
        "recommenders": Param(KEYS, type="array", items={"enum": KEYS}, examples=KEYS, title="Recommenders"),
        "deploy": Param(True, type="boolean", title="Deploy", description="Create or update campaigns."),
        "min_tps": Param(1, type="integer", minimum=1, title="Provisioned requests per second and campaign"),
        "holdout_users": Param(1000, type="integer", minimum=1, title="Users of the hold-out, at most"),
        "split_seed": Param(MOVIES.split_seed, type="integer", minimum=0, title="Seed of the split"),
        "teardown": TEARDOWN,
        "processing_instance_type": instance_type(MOVIES.instance_type),
    },
    tags=list(MOVIES.tags),
    default_args={"owner": MOVIES.owner, "retries": 1, "retry_delay": timedelta(seconds=30)},
):
    staged = {
        kind.lower(): stage_data.override(task_id=f"stage_{kind.lower()}")(
            dataset, BUCKET, f"{{{{ params.{kind.lower()}_uri or '' }}}}"
        )
        for kind, dataset in MOVIES.datasets.items()
    }
    uris = {kind: xcom(task, "uri") for kind, task in staged.items()}
    source = xcom(staged["interactions"], "source")
    code = upload_code(MOVIES.name, BUCKET, ["jobs", "use_cases/movie_recommendations/jobs"])

    def job(step: str, script: str, inputs: Uris, outputs: list[str], arguments: list[str]) -> Pair:
        """A processing job that runs one of the scripts."""
        request = processing(
            name_template(MOVIES.name, step),
            image=image_template("sklearn", MOVIES.sklearn_version),
            script=script,
            inputs={"code": xcom(code, "files"), **inputs},
            outputs={name: f"{RUN}/{name}" for name in outputs},
            arguments=arguments,
            instance_type="{{ params.processing_instance_type }}",
        )
        rule = "none_failed_min_one_success"
        return start_and_wait(PROCESSING, step, tagged(MOVIES.name, request), trigger_rule=rule)

    prepare = job(
        "prepare",
        "prepare.py",
        inputs={"ratings": uris["interactions"], "items": uris["items"], "users": uris["users"]},
        outputs=["interactions", "items", "users", "truth", "batch", "summary"],
        arguments=[
            *("--seed", "{{ params.split_seed }}"),
            *("--cold-share", str(MOVIES.cold_share)),
            *("--holdout-share", str(MOVIES.holdout_share)),
            *("--event-type", MOVIES.event_type),
        ],
    )
    group, imports = training.load(MOVIES, RUN)
    chain([*staged.values(), code], *prepare, training.validate(MOVIES, RUN), group)

    trained = {recommender.key: training.train(recommender, group) for recommender in MOVIES.recommenders}
    recommenders = [recommender.group for recommender in trained.values()]
    primary = trained[MOVIES.primary.key]
    unseen = PersonalizeFilterOperator(
        task_id="filter_unseen",
        config={
            "name": UNSEEN,
            "datasetGroupArn": arn_of(group),
            "filterExpression": f'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("{MOVIES.event_type}")',
        },
        deferrable=True,
    )
    tracker = PersonalizeEventTrackerOperator(
        task_id="event_tracker", config={"name": CLICKS, "datasetGroupArn": arn_of(group)}, deferrable=True
    )
    imports >> [*recommenders, unseen, tracker]

    offline = training.offline_metrics(
        {key: reference(recommender.metrics) for key, recommender in trained.items()},
        RUN,
        {"metrics": dict(MOVIES.published), "source": MOVIES.published_source},
    )
    versions = {key: reference(recommender.version, "arn") for key, recommender in trained.items()}
    record = record_run(MOVIES.name, RUN, versions, uris)
    recommenders >> offline >> record
    with TaskGroup("ask", prefix_group_id=False) as ask:
        for recommender in MOVIES.recommenders:
            if campaign := trained[recommender.key].campaign:
                holdout.ask_campaign.override(task_id=f"ask_{recommender.key}")(
                    recommender.key,
                    recommender.ask,
                    RUN,
                    "{{ params.holdout_users }}",
                    campaign=reference(campaign, "arn"),
                    version=versions[recommender.key],
                    unseen=reference(unseen, "arn"),
                )
    [unseen, offline] >> ask

    with TaskGroup("batch"):
        request = {
            "jobName": f"batch-{RUN_KEY}",
            "solutionVersionArn": arn_of(primary.version),
            "jobInput": {"s3DataSource": {"path": f"{RUN}/batch/users.json"}},
            "jobOutput": {"s3DataDestination": {"path": f"{RUN}/recommendations/"}},
            "filterArn": arn_of(unseen),
            "roleArn": ROLE,
        }
        batch = start_and_wait(BATCH_INFERENCE, "start", request, wait_id="wait")
        # of the version, whether it has a campaign or not
        [primary.wait, unseen] >> batch[0]

    session = holdout.session(
        MOVIES.primary.key,
        MOVIES.event_type,
        RUN,
        reference(primary.campaign, "arn"),
        reference(tracker),
    )
    # asked before the clicks: the hold-out is measured without them
    [ask, tracker] >> session

    evaluate = job(
        "evaluate",
        "evaluate_recommenders.py",
        inputs={name: f"{RUN}/{name}/" for name in ANSWERS},
        outputs=["evaluation"],
        arguments=["--title", MOVIES.title, "--data-source", source],
    )
    publish = training.publish(MOVIES.name, RUN, source)
    chain(ask, *evaluate, publish)
    teardown = PersonalizeDeleteDatasetGroupOperator(
        task_id="teardown", dataset_group=GROUP, pre_execute=unless_teardown
    )
    [publish, record, batch[1], session] >> teardown.as_teardown(setups=group)
