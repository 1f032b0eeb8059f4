"""Tasks read what other tasks leave by the task itself, so that a rename or a group breaks nothing."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG, TaskGroup, task, task_group

from include.use_cases.churn.use_case import CHURN
from include.workflows.classification.steps import Classifier
from include.workflows.common.errors import WorkflowError
from include.workflows.common.job_tasks import PROCESSING, start_and_wait
from include.workflows.common.xcom import reference, xcom


@task
def step() -> dict[str, Any]:
    return {"a": {"b": 1}}


def test_a_template_names_the_task_by_its_present_id() -> None:
    with DAG("wiring", schedule=None):
        plain = step()
        with TaskGroup("group"):
            grouped = step()
    assert xcom(plain, "a", "b") == "{{ ti.xcom_pull('step', key='return_value')['a']['b'] }}"
    assert xcom(grouped, key="arn") == "{{ ti.xcom_pull('group.step', key='arn') }}"
    assert reference(grouped, "arn") == {"task_ids": "group.step", "key": "arn"}


def test_in_a_mapped_group_a_template_reads_the_same_map_index() -> None:
    templates: list[str] = []

    @task_group
    def mapped(number: int) -> None:
        templates.append(xcom(step(), "a"))

    with DAG("mapped", schedule=None):
        mapped.expand(number=[1, 2])
    assert templates == [
        "{{ ti.xcom_pull('mapped.step', key='return_value', map_indexes=ti.map_index)['a'] }}"
    ]


def test_a_sensor_waits_for_the_job_that_its_operator_starts_whatever_its_name() -> None:
    with DAG("pair", schedule=None), TaskGroup("jobs"):
        start, wait = start_and_wait(PROCESSING, "clean", {"ProcessingJobName": "clean"})
    assert wait.task_id == "jobs.wait_for_clean"
    assert start.downstream_task_ids == {"jobs.wait_for_clean"}
    assert "ti.xcom_pull('jobs.clean'" in wait.job_name  # type: ignore[attr-defined]


def test_a_list_in_the_wrong_order_names_the_step_that_is_missing() -> None:
    case = Classifier(CHURN)
    with case.dag(doc_md=""), pytest.raises(WorkflowError, match="churn: a step needs the task stage_data"):
        case.preprocess()
