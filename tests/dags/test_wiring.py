"""Tasks read what other tasks leave by the task itself, so that a rename or a group breaks nothing."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG, TaskGroup, chain, task, task_group

from include.use_cases.churn.use_case import CHURN
from include.use_cases.movie_recommendations.use_case import MOVIES
from include.workflows.classification.steps import Classifier
from include.workflows.common.deletion import unless_teardown
from include.workflows.common.errors import WorkflowError
from include.workflows.common.job_tasks import PROCESSING, start_and_wait
from include.workflows.common.steps import Steps
from include.workflows.common.xcom import operator_of, reference, xcom
from include.workflows.recommendation.steps import Recommendation
from tests.airflow_home import run_dag_of

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag


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
    churn, movies = Classifier(CHURN), Recommendation(MOVIES)
    with churn.dag(doc_md=""), pytest.raises(WorkflowError, match="churn: a step needs the task stage_data"):
        churn.preprocess()
    missing = "movie_recommendations: a step needs the"
    with movies.dag(doc_md=""):
        with pytest.raises(WorkflowError, match=f"{missing} task stage_interactions"):
            movies.prepare()
        with pytest.raises(WorkflowError, match=f"{missing} task dataset_group"):
            movies.train()
        with pytest.raises(WorkflowError, match=f"{missing} recommenders"):
            movies.record()


@pytest.mark.parametrize("name", ["churn", "movie_recommendations"])
def test_a_skipped_teardown_does_not_hide_a_failure(dag_bag: DagBag, name: str) -> None:
    """A teardown that could fail the run would be its only leaf: skipped, it made every failed run green."""
    teardown = dag_bag.dags[name].get_task("teardown")
    assert teardown.is_teardown
    assert not teardown.on_failure_fail_dagrun


@pytest.mark.parametrize("asked_for", [True, False])
def test_a_failed_teardown_fails_the_run(database: None, asked_for: bool) -> None:
    """Airflow does not ask teardowns whether a run has failed; what they should delete would cost money."""

    def build() -> None:
        @task
        def create_model() -> None:
            pass

        @task
        def publish() -> None:
            pass

        @task(pre_execute=unless_teardown)
        def teardown() -> None:
            raise RuntimeError("the endpoint stays")

        steps = Steps(CHURN)
        created, published, deletion = create_model(), publish(), steps._remember(teardown())
        deletion.as_teardown(setups=operator_of(created))
        chain(created, published, deletion)
        steps.finish()

    run = run_dag_of(build, {"teardown": asked_for})
    states = {ti.task_id: ti.state for ti in run.get_task_instances()}
    assert states["teardown"] == ("failed" if asked_for else "skipped")
    assert run.state == ("failed" if asked_for else "success")


@pytest.mark.parametrize("name", ["churn", "movie_recommendations"])
def test_the_last_task_of_a_run_waits_for_all_that_the_teardown_waits_for(dag_bag: DagBag, name: str) -> None:
    """It is the run's only leaf: what it does not wait for could fail and leave the run green."""
    dag = dag_bag.dags[name]
    assert [each.task_id for each in dag.leaves] == ["finished"]
    teardown, finished = dag.get_task("teardown"), dag.get_task("finished")
    setups = {task.task_id for task in dag.tasks if task.is_setup}
    assert finished.upstream_task_ids == (teardown.upstream_task_ids - setups) | {"teardown"}


def test_the_steps_of_a_use_case_do_not_import_the_other_ones() -> None:
    """An error in one use case's file stops no other one's DAG."""
    modules = ("include.workflows.classification.steps", "include.workflows.recommendation.steps")
    script = f"import sys, {', '.join(modules)}; print('include.use_cases.catalogue' in sys.modules)"
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert output.splitlines()[-1] == "False"
