"""Sensors that wait for SageMaker jobs that others started, in the triggerer or by poking.

Each is the amazon provider's sensor of the same name with the same parameters, and:

:param deferrable: wait in the triggerer (default: Airflow's `operators.default_deferrable`).
:param stop_on_kill: stop the job when the task is killed or cleared while it waits (default True).
:param print_log: show the job's log lines in the task's log (default True).
:param timeout: seconds at most, where it is less than the job's own time limit and a margin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.amazon.aws.operators.sagemaker import serialize
from airflow.providers.amazon.aws.sensors import sagemaker as provider
from airflow.sdk import PokeReturnValue

from aws_ml.base import JobTask, is_deferrable
from aws_ml.lifecycle import wait as waiting
from aws_ml.lifecycle.logs import LogCursor
from aws_ml.lifecycle.poller import Poller

if TYPE_CHECKING:
    from airflow.sdk import Context

    from aws_ml.lifecycle.outcome import Outcome
    from aws_ml.lifecycle.poller import Watch
    from aws_ml.lifecycle.wait import Wait


class JobSensor(JobTask):
    """A mixin before the provider's sensor."""

    def __init__(self, *, deferrable: bool | None = None, print_log: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.deferrable = is_deferrable(deferrable)
        self.print_log = print_log
        self._watch: Watch | None = None
        self._news: list[tuple[list[str], Outcome | None]] = []

    @property
    def job(self) -> str:
        """The name of what is waited for."""
        return str(getattr(self, "job_name", None) or getattr(self, "endpoint_name", ""))

    def expected(self) -> dict[str, Any]:
        return {}

    def _wait(self, description: dict[str, Any]) -> Wait:
        return waiting.for_job(
            self.kind,
            description,
            at_most=float(self.task.timeout),
            longest=min(waiting.LONGEST_PAUSE, float(self.task.poke_interval)),
            expected=self.expected(),
            print_log=self.print_log,
        )

    def execute(self, context: Context) -> Any:
        """Wait until the job ended; returns its description.

        :raises JobError: when it did not succeed.
        """
        self.remember(context, self.job)
        if not self.deferrable:
            return super().execute(context)
        description = self.look(self.job)
        self.wait_for(self._wait(description), description, deferrable=True)
        return serialize(self.look(self.job))  # it ended before the task deferred

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, Any]:
        return serialize(self.look(self.judge(event)))

    def poke(self, context: Context) -> PokeReturnValue:
        """One look, for installations without a triggerer."""
        if self._watch is None:
            self._running = self.job
            wait = self._wait(self.look(self.job))
            cursor = LogCursor()
            self._watch = wait.watch(cursor, lambda _, lines, outcome: self._news.append((lines, outcome)))
        Poller(self.aws).look([self._watch])
        news, self._news = self._news, []
        for lines, outcome in news:
            for line in lines:
                self.task.log.info("%s", line)
            if outcome is not None:
                waiting.verdict(self.kind, self.job, outcome, lines)
                return PokeReturnValue(is_done=True, xcom_value=serialize(self.look(self.job)))
        return PokeReturnValue(is_done=False)


class SageMakerProcessingSensor(JobSensor, provider.SageMakerProcessingSensor):
    """Wait for a processing job."""

    kind_key: ClassVar[str] = "processing"


class SageMakerTrainingSensor(JobSensor, provider.SageMakerTrainingSensor):
    """Wait for a training job."""

    kind_key: ClassVar[str] = "training"


class SageMakerTransformSensor(JobSensor, provider.SageMakerTransformSensor):
    """Wait for a transform job."""

    kind_key: ClassVar[str] = "transform"


class SageMakerTuningSensor(JobSensor, provider.SageMakerTuningSensor):
    """Wait for a hyperparameter tuning job."""

    kind_key: ClassVar[str] = "tuning"


class SageMakerEndpointSensor(JobSensor, provider.SageMakerEndpointSensor):
    """Wait until an endpoint is in service.

    :param endpoint_config_name: the configuration that it has to serve then; without it any.
    """

    kind_key: ClassVar[str] = "endpoint"
    template_fields = (*provider.SageMakerEndpointSensor.template_fields, "endpoint_config_name")

    def __init__(self, *, endpoint_config_name: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.endpoint_config_name = endpoint_config_name

    def expected(self) -> dict[str, Any]:
        return {"EndpointConfigName": self.endpoint_config_name} if self.endpoint_config_name else {}
