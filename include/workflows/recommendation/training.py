"""Parts of a recommendation workflow: data into Personalize, recipes side by side, what came of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, TaskGroup, chain, task
from airflow.sdk.exceptions import AirflowSkipException

from aws_ml.operators.personalize import (
    PersonalizeCampaignOperator,
    PersonalizeDatasetGroupOperator,
    PersonalizeDatasetImportJobOperator,
    PersonalizeDatasetOperator,
    PersonalizeSchemaOperator,
    PersonalizeSolutionOperator,
    PersonalizeSolutionVersionOperator,
)
from aws_ml.operators.personalize_calls import PersonalizeGetSolutionMetricsOperator
from aws_ml.operators.personalize_checks import (
    PersonalizeCheckQuotasOperator,
    PersonalizeValidateDatasetOperator,
)
from aws_ml.sensors.personalize import (
    PersonalizeCampaignSensor,
    PersonalizeDatasetImportJobSensor,
    PersonalizeSolutionVersionSensor,
)
from include.aws.sagemaker_requests import tagged_group
from include.workflows.common.s3_documents import read_json, write_json
from include.workflows.recommendation.campaigns import VERSION_PREFIX, name_in

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

    from include.use_cases.definition import RecommendationUseCase, Recommender

log = logging.getLogger(__name__)

GROUP = "{{ params.dataset_group }}"
RUN_KEY = "{{ macros.aws_ml.run_key(dag_run) }}"
ROLE = "{{ var.value.ml_personalize_role_arn }}"
UNSEEN, CLICKS = f"{GROUP}-unseen", f"{GROUP}-clicks"  # names of the filter and of the event tracker


def arn_of(task_id: str) -> str:
    """A template: the ARN that a task of Personalize left."""
    return f"{{{{ ti.xcom_pull('{task_id}', key='arn') }}}}"


def name_of(one: Recommender) -> str:
    """A template: the name of a recommender's solution and campaign."""
    return name_in(GROUP, one)


def validate(case: RecommendationUseCase, run: str) -> TaskGroup:
    """What Personalize would refuse, before it is paid for: this run's files, and room for what is made."""
    with TaskGroup("validate") as group:
        PersonalizeCheckQuotasOperator(task_id="quotas", dataset_group=GROUP, names=wanted(case))
        for kind in case.schemas:
            PersonalizeValidateDatasetOperator(
                task_id=kind.lower(), uri=file_of(kind, run), schema=case.avro(kind)
            )
    return group


def wanted(case: RecommendationUseCase) -> dict[str, list[str]]:
    """Templates by kind: the names of all that a run makes; empty where the form does not ask for it."""

    def asked(one: Recommender, *, campaign: bool = False) -> str:
        deployed = " and params.deploy" if campaign else ""
        return f"{{% if '{one.key}' in params.recommenders{deployed} %}}{name_of(one)}{{% endif %}}"

    return {
        "DatasetGroup": [GROUP],
        "Schema": [f"{GROUP}-{kind.lower()}" for kind in case.schemas],
        "Solution": [asked(one) for one in case.recommenders],
        "Campaign": [asked(one, campaign=True) for one in case.recommenders if one.ask],
        "Filter": [UNSEEN],
        "EventTracker": [CLICKS],
    }


def file_of(kind: str, run: str) -> str:
    """The CSV file of a dataset type that the preparation wrote."""
    return f"{run}/{kind.lower()}/{kind.lower()}.csv"


def load(case: RecommendationUseCase, run: str) -> tuple[BaseOperator, TaskGroup]:
    """Dataset group, schemas, datasets, and imports of this run's files, side by side.

    :param run: S3 URI of the run; `interactions/interactions.csv` ... lie below it.
    :return: the first task, and the imports, which come after it.
    """
    group = PersonalizeDatasetGroupOperator(
        task_id="dataset_group", config=tagged_group(case.name, {"name": GROUP}), deferrable=True
    )
    with TaskGroup("imports", prefix_group_id=False) as imports:
        for kind in case.schemas:
            import_file(kind, case.avro(kind), run)
    group >> imports
    return group, imports


def import_file(kind: str, avro: dict[str, object], run: str) -> None:
    """The tasks that bring a dataset type's file into Personalize."""
    word = kind.lower()
    with TaskGroup(f"import_{word}"):
        schema = PersonalizeSchemaOperator(
            task_id="schema", config={"name": f"{GROUP}-{word}", "schema": avro}
        )
        dataset = PersonalizeDatasetOperator(
            task_id="dataset",
            config={
                "name": f"{GROUP}-{word}",
                "schemaArn": arn_of(schema.task_id),
                "datasetGroupArn": arn_of("dataset_group"),
                "datasetType": kind,
            },
            deferrable=True,
        )
        start = PersonalizeDatasetImportJobOperator(
            task_id="start",
            config={
                "jobName": f"{word}-{RUN_KEY}",
                "datasetArn": arn_of(dataset.task_id),
                "dataSource": {"dataLocation": file_of(kind, run)},
                "roleArn": ROLE,
                "importMode": "FULL",
            },
            wait_for_completion=False,
        )
        wait = PersonalizeDatasetImportJobSensor(task_id="wait", arn=arn_of(start.task_id), deferrable=True)
        chain(schema, dataset, start, wait)


def train(one: Recommender) -> TaskGroup:
    """A solution of a recipe, this run's version of it, its metrics; and its campaign, where it has one."""
    with TaskGroup(one.key, tooltip=one.recipe) as group:
        wanted = asked_for.override(task_id="wanted")(one.key)
        solution = PersonalizeSolutionOperator(
            task_id="solution",
            config={
                "name": name_of(one),
                "datasetGroupArn": arn_of("dataset_group"),
                "recipeArn": f"arn:aws:personalize:::recipe/{one.recipe}",
            },
            deferrable=True,
        )
        version = PersonalizeSolutionVersionOperator(
            task_id="train",
            config={"name": f"{VERSION_PREFIX}{RUN_KEY}", "solutionArn": arn_of(solution.task_id)},
            wait_for_completion=False,
        )
        wait = PersonalizeSolutionVersionSensor(
            task_id="wait_for_train", arn=arn_of(version.task_id), deferrable=True
        )
        metrics = PersonalizeGetSolutionMetricsOperator(
            task_id="metrics", config={"solutionVersionArn": arn_of(version.task_id)}
        )
        chain(wanted, solution, version, wait, metrics)
        if one.ask:
            wait >> serve(one, version.task_id)
    return group


def serve(one: Recommender, version: str) -> Any:
    """The tasks that put a version behind a campaign."""
    deploys = asked_to_deploy.override(task_id="deploy")()
    campaign = PersonalizeCampaignOperator(
        task_id="campaign",
        config={
            "name": name_of(one),
            "solutionVersionArn": arn_of(version),
            "minProvisionedTPS": "{{ params.min_tps }}",
            **({"campaignConfig": one.campaign} if one.campaign else {}),
        },
        wait_for_completion=False,
    )
    wait = PersonalizeCampaignSensor(
        task_id="wait_for_campaign", arn=arn_of(campaign.task_id), deferrable=True
    )
    chain(deploys, campaign, wait)
    return deploys


@task.short_circuit(ignore_downstream_trigger_rules=False)
def asked_for(key: str, **context: Any) -> bool:
    """Whether the trigger form lists the recommender; its group is skipped otherwise."""
    return key in context["params"]["recommenders"]


@task.short_circuit(ignore_downstream_trigger_rules=False)
def asked_to_deploy(**context: Any) -> bool:
    """Whether the trigger form asks for campaigns."""
    return bool(context["params"]["deploy"])


@task(trigger_rule="none_failed")
def offline_metrics(
    keys: list[str], run: str, published: dict[str, Any], **context: Any
) -> dict[str, dict[str, float]]:
    """The service's own metrics of all versions, one table: logged, kept in S3, returned.

    :param published: numbers to compare with, kept beside for the report.
    """
    pulled = {key: context["ti"].xcom_pull(task_ids=f"{key}.metrics") for key in keys}
    found = {key: answer["metrics"] for key, answer in pulled.items() if answer}
    names = sorted({name for metrics in found.values() for name in metrics})
    for name in names:
        shown = "  ".join(f"{key} {metrics[name]:.4f}" for key, metrics in found.items() if name in metrics)
        log.info("%-50s %s", name, shown)
    for key, metrics in found.items():
        write_json(f"{run}/offline/{key}.json", metrics)
    write_json(f"{run}/published/published.json", published)
    return found


def unless_asked_for(context: Any) -> None:
    """Skip the teardown where the trigger form does not ask for it."""
    if not context["params"]["teardown"]:
        raise AirflowSkipException("The trigger form does not ask for a teardown.")


def publish(use_case: str, run: str, source: str) -> Any:
    """A task that emits the asset `model/<use case>` with what the evaluation found."""
    model = Asset(f"model/{use_case}")

    @task(task_id="publish", outlets=[model])
    def announce(run: str, source: str, **context: Any) -> dict[str, Any]:
        """Put what the run achieved on the asset event, and return it."""
        found = read_json(f"{run}/evaluation/evaluation.json")
        results = {
            "use_case": use_case,
            "run": run.rsplit("/", 1)[-1],
            "dataset_group": context["params"]["dataset_group"],
            "evaluation": f"{run}/evaluation",
            "data_source": source,
            "metrics": found["holdout"],
            "new_items": found["new_items"],
        }
        context["outlet_events"][model].extra = results
        return results

    return announce(run, source)
