"""What the steps of every use case's workflow share: names, groups, and the tasks of earlier steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from airflow.sdk import TaskGroup, TriggerRule, chain, task

from include.aws.sagemaker_requests import processing, tagged
from include.workflows.common.dags import BUCKET
from include.workflows.common.errors import WorkflowError
from include.workflows.common.folders import run_folder
from include.workflows.common.job_tasks import PROCESSING, image_template, name_template, start_and_wait
from include.workflows.common.literals import literal
from include.workflows.common.xcom import RETURN_VALUE, operator_of, xcom

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import BaseOperator, XComArg

    from include.aws.sagemaker_requests import Config
    from include.use_cases.definition import RecommendationUseCase, UseCase
    from include.workflows.common.job_tasks import Pair
    from include.workflows.common.xcom import Task

CaseType = TypeVar("CaseType", bound="UseCase | RecommendationUseCase")
TaskType = TypeVar("TaskType", bound="BaseOperator | XComArg")


class Steps(Generic[CaseType]):
    """A use case with its run and names; a method of a subclass makes the tasks of a step."""

    def __init__(self, case: CaseType) -> None:
        self.case = case
        self.run = run_folder(case.name, BUCKET)
        self.sklearn = image_template("sklearn", case.sklearn_version)
        self._groups: dict[str, TaskGroup] = {}
        self._tasks: dict[str, Task] = {}

    def finish(self) -> XComArg:
        """`finished`: the run's last task, red where anything before it failed, or the teardown.

        Airflow leaves teardowns out when it judges a run: one that failed would end green, and its endpoints
        would stay.
        """
        teardown = operator_of(self._task("teardown"))

        @task(task_id="finished", trigger_rule=TriggerRule.NONE_FAILED)
        def finished() -> None:
            pass

        end = self._remember(finished())
        before = [each for each in teardown.upstream_list if not each.is_setup]
        chain([*before, teardown], end)
        return end

    def _process(
        self,
        step: str,
        *,
        script: str,
        inputs: dict[str, str],
        outputs: tuple[str, ...],
        constants: Sequence[str],
        arguments: Sequence[str] = (),
        image: str | None = None,
    ) -> Pair:
        """A processing job that runs a script and leaves each output below the run, under its name.

        :param constants: arguments of the use case, which are text and never rendered.
        :param arguments: further ones, which may be templates.
        """
        request = processing(
            name_template(self.case.name, step),
            image=image or self.sklearn,
            script=script,
            inputs={"code": self._xcom_of("upload_code", "files"), **inputs},
            outputs={name: f"{self.run}/{name}" for name in outputs},
            arguments=[*literal(list(constants)), *arguments],
            instance_type="{{ params.processing_instance_type }}",
        )
        rule = TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS
        return self._remember_pair(start_and_wait(PROCESSING, step, self._tagged(request), trigger_rule=rule))

    def _tagged(self, request: Config) -> Config:
        return tagged(self.case.name, request)

    def _group(self, name: str) -> TaskGroup:
        """A group of the graph; the ids of the tasks in it do not carry its name."""
        if name not in self._groups:
            self._groups[name] = TaskGroup(name, prefix_group_id=False)
        return self._groups[name]

    def _remember(self, task: TaskType) -> TaskType:
        """Remember a task for the steps that read what it leaves."""
        self._tasks[operator_of(task).task_id] = task
        return task

    def _remember_pair(self, pair: Pair) -> Pair:
        for each in pair:
            self._remember(each)
        return pair

    def _task(self, task_id: str) -> Task:
        """A task of an earlier step.

        :raises WorkflowError: when the DAG's list has not made it yet.
        """
        if task_id not in self._tasks:
            raise WorkflowError(
                f"{self.case.name}: a step needs the task {task_id}, which no step before it made."
            )
        return self._tasks[task_id]

    def _xcom_of(self, task_id: str, *path: str, key: str = RETURN_VALUE) -> str:
        """A template: what a task of an earlier step leaves."""
        return xcom(self._task(task_id), *path, key=key)
