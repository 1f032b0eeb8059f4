"""Sensors that wait for SageMaker jobs, in the triggerer or by poking.

Each is the amazon provider's sensor of the same name with the same parameters, and:

:param deferrable: wait in the triggerer (default: Airflow's `operators.default_deferrable`).
:param stop_on_kill: stop the job when the task is killed or cleared while it waits (default True).
:param print_log: show the job's log lines in the task's log (default True).
:param timeout: seconds at most; the job's own time limit and a margin apply when they are shorter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.amazon.aws.operators.sagemaker import serialize
from airflow.providers.amazon.aws.sensors import sagemaker as provider
from airflow.sdk import BaseSensorOperator, PokeReturnValue

from aws_ml.base import JobTask, is_deferrable
from aws_ml.lifecycle.logs import LogCursor
from aws_ml.lifecycle.poller import PolledJob, Poller
from aws_ml.lifecycle.wait import LONGEST_PAUSE, Wait, raise_unless_succeeded

if TYPE_CHECKING:
    from airflow.sdk import Context

    from aws_ml.lifecycle.kinds import Description
    from aws_ml.lifecycle.outcome import Outcome


class JobSensor(JobTask, BaseSensorOperator):
    """A mixin before the provider's sensor."""

    def __init__(self, *, deferrable: bool | None = None, print_log: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.deferrable = is_deferrable(deferrable)
        self.print_log = print_log
        self._polled_job: PolledJob | None = None
        self._news: list[tuple[list[str], Outcome | None]] = []

    @property
    def job(self) -> str:
        """The name of the job or endpoint that is waited for."""
        return str(getattr(self, "job_name", None) or getattr(self, "endpoint_name", ""))

    def expected(self) -> Description:
        """Members that the description of a successful job shows."""
        return {}

    def _wait(self, description: Description) -> Wait:
        return Wait.for_job(
            self.kind,
            description,
            at_most=float(self.timeout),
            longest=min(LONGEST_PAUSE, float(self.poke_interval)),
            expected=self.expected(),
            print_log=self.print_log,
        )

    def execute(self, context: Context) -> Any:
        """Wait until the job ended; returns its description.

        :raises JobError: when it did not succeed.
        """
        self.store_links(context, self.job)
        if not self.deferrable:
            return super().execute(context)
        description = self.look(self.job)
        self.defer_or_wait(self._wait(description), description, deferrable=True)
        return serialize(self.look(self.job))  # it ended before the task deferred

    def execute_complete(self, context: Context, event: Description | None = None) -> Description:
        """Back from the triggerer: the description.

        :raises JobError: when the job did not succeed.
        """
        return serialize(self.look(self.successful_job(event)))

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once, for installations without a triggerer.

        :raises JobError: when the job did not succeed.
        """
        if self._polled_job is None:
            self._job_here = self.job
            wait = self._wait(self.look(self.job))
            self._polled_job = wait.polled_job(
                LogCursor(), lambda _, lines, outcome: self._news.append((lines, outcome))
            )
        Poller(self.aws).look([self._polled_job])
        news, self._news = self._news, []
        for lines, outcome in news:
            for line in lines:
                self.log.info("%s", line)
            if outcome is not None:
                raise_unless_succeeded(self.kind, self.job, outcome, lines)
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

    :param endpoint_config_name: the configuration that it must have then; without it, any.
    """

    kind_key: ClassVar[str] = "endpoint"
    template_fields = (*provider.SageMakerEndpointSensor.template_fields, "endpoint_config_name")

    def __init__(self, *, endpoint_config_name: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.endpoint_config_name = endpoint_config_name

    def expected(self) -> dict[str, Any]:
        return {"EndpointConfigName": self.endpoint_config_name} if self.endpoint_config_name else {}
