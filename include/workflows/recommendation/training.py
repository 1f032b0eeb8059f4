"""Parts of a recommendation workflow: data into Personalize, recipes side by side, what came of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, TaskGroup, chain, task

from aws_ml.clients import Aws
from aws_ml.lifecycle.kinds import PERSONALIZE
from aws_ml.lifecycle.named import find_named
from aws_ml.operators.personalize import (
    PersonalizeDatasetOperator,
    PersonalizeSchemaOperator,
    PersonalizeSolutionOperator,
)
from aws_ml.operators.personalize_calls import PersonalizeGetSolutionMetricsOperator
from aws_ml.operators.personalize_checks import (
    PersonalizeCheckQuotasOperator,
    PersonalizeValidateDatasetOperator,
)
from include.aws.sagemaker_requests import USE_CASE_TAG
from include.workflows.common.errors import NotOfThisProject
from include.workflows.common.folders import RUN_KEY
from include.workflows.common.job_tasks import start_and_wait
from include.workflows.common.s3_documents import read_json, write_json
from include.workflows.common.xcom import pull, xcom
from include.workflows.recommendation.campaigns import VERSION_PREFIX, name_in
from include.workflows.recommendation.job_kinds import CAMPAIGN, IMPORT, SOLUTION_VERSION

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, XComArg

    from include.use_cases.definition import RecommendationUseCase, Recommender
    from include.workflows.common.xcom import Reference, Task

log = logging.getLogger(__name__)

GROUP = "{{ params.dataset_group }}"
ROLE = "{{ var.value.ml_personalize_role_arn }}"
UNSEEN, CLICKS = f"{GROUP}-unseen", f"{GROUP}-clicks"  # names of the filter and of the event tracker


def arn_of(task: Task) -> str:
    """A template: the ARN that a task of Personalize left."""
    return xcom(task, key="arn")


def check_own_group(name: str, use_case: str) -> None:
    """Check that a dataset group, if it exists, carries the project's tag.

    :raises NotOfThisProject: when it was made by somebody else.
    """
    client, kind = Aws().client("personalize"), PERSONALIZE["DatasetGroup"]
    group = find_named(client, kind, name)
    tags = client.list_tags_for_resource(resourceArn=group[kind.arn])["tags"] if group else []
    if group and {"tagKey": USE_CASE_TAG, "tagValue": use_case} not in tags:
        raise NotOfThisProject(f"The dataset group {name} was not made by the DAG {use_case}: it stays.")


def name_of(recommender: Recommender) -> str:
    """A template: the name of a recommender's solution and campaign."""
    return name_in(GROUP, recommender)


def validate(case: RecommendationUseCase, run: str) -> TaskGroup:
    """What Personalize would refuse, before it is paid for: this run's files, and room for what is made."""
    with TaskGroup("validate") as group:
        PersonalizeCheckQuotasOperator(task_id="quotas", dataset_group=GROUP, names=resource_names(case))
        for kind in case.schemas:
            PersonalizeValidateDatasetOperator(
                task_id=kind.lower(), uri=file_of(kind, run), schema=case.avro(kind)
            )
    return group


def resource_names(case: RecommendationUseCase) -> dict[str, list[str]]:
    """Templates by kind: the names of all that a run makes; empty where the form does not ask for it."""

    def name_if_chosen(recommender: Recommender, *, campaign: bool = False) -> str:
        condition = f"'{recommender.key}' in params.recommenders{' and params.deploy' if campaign else ''}"
        return f"{{% if {condition} %}}{name_of(recommender)}{{% endif %}}"

    return {
        "DatasetGroup": [GROUP],
        "Schema": [f"{GROUP}-{kind.lower()}" for kind in case.schemas],
        "Solution": [name_if_chosen(recommender) for recommender in case.recommenders],
        "Campaign": [
            name_if_chosen(recommender, campaign=True) for recommender in case.recommenders if recommender.ask
        ],
        "Filter": [UNSEEN],
        "EventTracker": [CLICKS],
    }


def file_of(kind: str, run: str) -> str:
    """The CSV file of a dataset type that the preparation wrote."""
    return f"{run}/{kind.lower()}/{kind.lower()}.csv"


def import_files(case: RecommendationUseCase, run: str, dataset_group: Task) -> TaskGroup:
    """Schemas, datasets, and imports of this run's files, side by side.

    :param run: S3 URI of the run; `interactions/interactions.csv` ... lie below it.
    """
    with TaskGroup("imports", prefix_group_id=False) as imports:
        for kind in case.schemas:
            import_file(kind, case.avro(kind), run, dataset_group)
    return imports


def import_file(kind: str, avro: dict[str, object], run: str, dataset_group: Task) -> None:
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
                "schemaArn": arn_of(schema),
                "datasetGroupArn": arn_of(dataset_group),
                "datasetType": kind,
            },
            deferrable=True,
        )
        request = {
            "jobName": f"{word}-{RUN_KEY}",
            "datasetArn": arn_of(dataset),
            "dataSource": {"dataLocation": file_of(kind, run)},
            "roleArn": ROLE,
            "importMode": "FULL",
        }
        chain(schema, dataset, *start_and_wait(IMPORT, "start", request, wait_id="wait"))


@dataclass(frozen=True)
class Trained:
    """The tasks of a recommender that others read from or wait for."""

    group: TaskGroup
    version: BaseOperator
    wait: BaseOperator
    metrics: BaseOperator
    campaign: BaseOperator | None


def train(recommender: Recommender, dataset_group: Task) -> Trained:
    """A solution of a recipe, this run's version of it, its metrics; and its campaign, where it has one."""
    with TaskGroup(recommender.key, tooltip=recommender.recipe) as group:
        chosen = is_chosen(recommender.key)
        solution = PersonalizeSolutionOperator(
            task_id="solution",
            config={
                "name": name_of(recommender),
                "datasetGroupArn": arn_of(dataset_group),
                "recipeArn": f"arn:aws:personalize:::recipe/{recommender.recipe}",
            },
            deferrable=True,
        )
        request = {"name": f"{VERSION_PREFIX}{RUN_KEY}", "solutionArn": arn_of(solution)}
        version, wait = start_and_wait(SOLUTION_VERSION, "train", request)
        metrics = PersonalizeGetSolutionMetricsOperator(
            task_id="metrics", config={"solutionVersionArn": arn_of(version)}
        )
        chain(chosen, solution, version, wait, metrics)
        campaign = serve(recommender, version, wait) if recommender.ask else None
    return Trained(group, version, wait, metrics, campaign)


def serve(recommender: Recommender, version: BaseOperator, wait_for_version: BaseOperator) -> BaseOperator:
    """The tasks that put a version behind a campaign, when it is trained."""
    request = {
        "name": name_of(recommender),
        "solutionVersionArn": arn_of(version),
        "minProvisionedTPS": "{{ params.min_tps }}",
        **({"campaignConfig": recommender.campaign} if recommender.campaign else {}),
    }
    campaign, wait = start_and_wait(CAMPAIGN, "campaign", request)
    chain(wait_for_version, deployment_requested(), campaign, wait)
    return campaign


@task.short_circuit(task_id="wanted", ignore_downstream_trigger_rules=False)
def is_chosen(key: str, **context: Any) -> bool:
    """Whether the trigger form lists the recommender; its group is skipped otherwise."""
    return key in context["params"]["recommenders"]


@task.short_circuit(task_id="deploy", ignore_downstream_trigger_rules=False)
def deployment_requested(**context: Any) -> bool:
    """Whether the trigger form asks for campaigns."""
    return bool(context["params"]["deploy"])


@task(trigger_rule="none_failed")
def offline_metrics(
    metrics: dict[str, Reference], run: str, published: dict[str, Any], **context: Any
) -> dict[str, dict[str, float]]:
    """The service's own metrics of all versions, one table: logged, kept in S3, returned.

    :param metrics: what a recommender's task leaves, by recommender; nothing where it was not chosen.
    :param published: numbers to compare with, kept beside for the report.
    """
    answers = {key: pull(context["ti"], source) for key, source in metrics.items()}
    table = {key: answer["metrics"] for key, answer in answers.items() if answer}
    for name in sorted({name for values in table.values() for name in values}):
        cells = (f"{key} {values[name]:.4f}" for key, values in table.items() if name in values)
        log.info("%-50s %s", name, "  ".join(cells))
    for key, values in table.items():
        write_json(f"{run}/offline/{key}.json", values)
    write_json(f"{run}/published/published.json", published)
    return table


def publish(use_case: str, run: str, source: str) -> XComArg:
    """A task that emits the asset `model/<use case>` with what the evaluation found."""
    model = Asset(f"model/{use_case}")

    @task(task_id="publish", outlets=[model])
    def announce(run: str, source: str, **context: Any) -> dict[str, Any]:
        """Put what the run achieved on the asset event, and return it."""
        evaluation = read_json(f"{run}/evaluation/evaluation.json")
        summary = {
            "use_case": use_case,
            "run": run.rsplit("/", 1)[-1],
            "dataset_group": context["params"]["dataset_group"],
            "evaluation": f"{run}/evaluation",
            "data_source": source,
            "metrics": evaluation["holdout"],
            "new_items": evaluation["new_items"],
        }
        context["outlet_events"][model].extra = summary
        return summary

    return announce(run, source)
