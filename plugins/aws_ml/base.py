"""What operators and sensors share: the connection, the links, how to wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import conf
from airflow.sdk import BaseOperator

from aws_ml.clients import Aws
from aws_ml.errors import RETRY_POLICY
from aws_ml.lifecycle.kinds import KINDS, Description, Kind
from aws_ml.lifecycle.lineage import lineage
from aws_ml.lifecycle.logs import LOG_CURSOR
from aws_ml.lifecycle.outcome import Outcome, outcome
from aws_ml.lifecycle.wait import Wait, ended_within, raise_unless_succeeded, wait_here
from aws_ml.links.console import LINKS, JobLink, JobLogsLink

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors.base import OperatorLineage
    from airflow.sdk import Context


def is_deferrable(deferrable: bool | None) -> bool:
    """The task's own setting; without one (None) Airflow's `operators.default_deferrable`."""
    if deferrable is None:
        return bool(conf.getboolean("operators", "default_deferrable", fallback=False))
    return deferrable


def defer_after() -> float:
    """Seconds that a task looks at its job itself before it defers: `[aws_ml] defer_after`, else 0."""
    return float(conf.getfloat("aws_ml", "defer_after", fallback=0.0))


class JobTask(BaseOperator):
    """A mixin before the provider's class of an operator or a sensor.

    :param stop_on_kill: stop the job when a user kills or clears the task while it waits.
    """

    kind_key: ClassVar[str]
    operator_extra_links: Any = LINKS
    # of the provider's class
    aws_conn_id: str | None
    region_name: str | None
    verify: bool | str | None
    botocore_config: dict[str, Any] | None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        key = getattr(cls, "kind_key", None)
        cls.operator_extra_links = LINKS if key and KINDS[key].log_group else (JobLink(),)

    def __init__(self, *, stop_on_kill: bool = True, **kwargs: Any) -> None:
        kwargs.setdefault("retry_policy", RETRY_POLICY)
        super().__init__(**kwargs)
        self.stop_on_kill = stop_on_kill
        self._job_here: str | None = None  # the job that this process waits for
        self._description: Description | None = None  # the job's last one

    @property
    def kind(self) -> Kind:
        return KINDS[self.kind_key]

    @property
    def aws(self) -> Aws:
        return Aws.of(self)

    def look(self, name: str) -> Description:
        """The job as AWS describes it now.

        :raises JobRejected: when AWS refuses, or there is no job of that name.
        :raises ServiceFault: when AWS is at fault.
        """
        self._description = self.kind.look(self.aws.client(self.kind.service), name)
        return self._description

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any]:
        """What the job reads and writes, for OpenLineage."""
        return lineage(self.kind, self._description or {})

    def store_links(self, context: Context, name: str) -> None:
        """Store in XCom what the links are made of, and where the trigger starts to read the job's log."""
        client = self.aws.client(self.kind.service)
        members = {
            "context": context,
            "operator": self,
            "region_name": client.meta.region_name,
            "aws_partition": client.meta.partition,
            "job_name": name,
        }
        JobLink.persist(page=self.kind.console, service=self.kind.service, **members)
        if self.kind.log_group:
            context["ti"].xcom_push(LOG_CURSOR, {"job": name, "cursor": None})
            JobLogsLink.persist(log_group=self.kind.log_group, **members)

    def defer_or_wait(self, wait: Wait, description: Description, *, deferrable: bool) -> None:
        """Wait in the triggerer, or here; returns when the job succeeded.

        In the triggerer: this raises TaskDeferred, and the task resumes in `execute_complete`. A job that has
        ended already, or ends within `defer_after()`, is judged here.

        :raises JobError: when the job did not succeed.
        """
        self._job_here = wait.name
        running = outcome(self.kind, description).state == "running"
        if deferrable and running and not ended_within(self.aws, wait, defer_after()):
            from aws_ml.triggers.job import JobTrigger

            self._job_here = None  # the trigger's from now on
            trigger = JobTrigger(wait.serialize(), self.aws.serialize(), self.stop_on_kill)
            self.defer(trigger=trigger, method_name="execute_complete")
        wait_here(self.aws, wait, self.log)
        self._job_here = None

    def successful_job(self, event: dict[str, Any] | None) -> str:
        """The name of the job that an event is about.

        :param event: a `JobEvent`; None, or one without a state, counts as a failure.
        :raises JobError: when the job did not succeed.
        """
        event = event or {}
        name = str(event.get("job_name"))
        state: Any = event.get("state")
        stopped, reason = bool(event.get("stopped")), str(event.get("reason", ""))
        end = Outcome(state, str(event.get("job_status")), reason, stopped)
        lines, attached = list(event.get("lines", [])), bool(event.get("attached"))
        raise_unless_succeeded(self.kind, name, end, lines, attached=attached)
        return name

    def on_kill(self) -> None:
        """Airflow ends the worker's process: stop the job that it waits for.

        :raises JobRejected: when AWS refuses.
        :raises ServiceFault: when AWS is at fault.
        """
        if self.stop_on_kill and self._job_here:
            from aws_ml.lifecycle.stop import stop

            self.log.info("Stopping the %s %s", self.kind.noun, self._job_here)
            stop(self.aws, self.kind_key, self._job_here)
