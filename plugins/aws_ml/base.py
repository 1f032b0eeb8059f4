"""What operators and sensors share: the connection, the links, how to wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import conf
from airflow.sdk import BaseOperator

from aws_ml.clients import Aws
from aws_ml.errors import RETRY_POLICY
from aws_ml.lifecycle import wait as waiting
from aws_ml.lifecycle.kinds import KINDS, Kind
from aws_ml.lifecycle.lineage import lineage
from aws_ml.lifecycle.logs import LOG_CURSOR
from aws_ml.lifecycle.outcome import Outcome, outcome
from aws_ml.links.jobs import LINKS, JobLink, JobLogsLink

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors.base import OperatorLineage
    from airflow.sdk import Context

    from aws_ml.lifecycle.wait import Wait


def is_deferrable(given: bool | None) -> bool:
    """What was asked for; else Airflow's setting."""
    return conf.getboolean("operators", "default_deferrable", fallback=False) if given is None else given


def defer_after() -> float:
    """Seconds that a task looks at its job itself before it defers: `[aws_ml] defer_after`, else 0."""
    return float(conf.getfloat("aws_ml", "defer_after", fallback=0.0))


class JobTask(BaseOperator):
    """What comes before the provider's class in an operator or a sensor.

    :param stop_on_kill: stop the job when a user kills or clears the task while it waits.
    """

    kind_key: ClassVar[str]
    operator_extra_links: Any = LINKS

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        key = getattr(cls, "kind_key", None)
        cls.operator_extra_links = LINKS if key and KINDS[key].log_group else (JobLink(),)

    def __init__(self, *, stop_on_kill: bool = True, **kwargs: Any) -> None:
        kwargs.setdefault("retry_policy", RETRY_POLICY)
        super().__init__(**kwargs)
        self.stop_on_kill = stop_on_kill
        self._running: str | None = None  # the job that this process waits for
        self._seen: dict[str, Any] | None = None  # the job's last description

    @property
    def task(self) -> Any:
        """The same object, as the provider's class that it is mixed into."""
        return self

    @property
    def kind(self) -> Kind:
        return KINDS[self.kind_key]

    @property
    def aws(self) -> Aws:
        return Aws.of(self)

    def look(self, name: str) -> dict[str, Any]:
        """The job as AWS describes it now."""
        self._seen = self.kind.look(self.aws.client(self.kind.service), name)
        return self._seen

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any]:
        """What the job reads and writes, for OpenLineage."""
        return lineage(self.kind, self._seen or {})

    def remember(self, context: Context, name: str) -> None:
        """Keep in XCom what the links are made of, and where the trigger begins to read the job's log."""
        told = {
            "context": context,
            "operator": self,
            "region_name": self.task.hook.conn_region_name,
            "aws_partition": self.task.hook.conn_partition,
            "job_name": name,
        }
        JobLink.persist(page=self.kind.console, service=self.kind.service, **told)
        if self.kind.log_group:
            context["ti"].xcom_push(LOG_CURSOR, {"job": name, "cursor": None})
            JobLogsLink.persist(log_group=self.kind.log_group, **told)

    def wait_for(self, wait: Wait, description: dict[str, Any], *, deferrable: bool) -> None:
        """Wait in the triggerer (this raises, the task resumes in `execute_complete`), or here.

        A job that has ended already, or ends within `defer_after()`, is judged here.

        :raises JobError: when the job did not succeed.
        """
        self._running = wait.name
        running = outcome(self.kind, description).state == "running"
        if deferrable and running and not waiting.ends_within(self.aws, wait, defer_after()):
            from aws_ml.triggers.jobs import JobTrigger

            self._running = None  # the trigger's from now on
            trigger = JobTrigger(wait.serialize(), self.aws.serialize(), self.stop_on_kill)
            self.task.defer(trigger=trigger, method_name="execute_complete")
        waiting.in_place(self.aws, wait, self.task.log)
        self._running = None

    def judge(self, event: dict[str, Any] | None) -> str:
        """The name of the job that the trigger's event is about.

        :raises JobError: when it did not succeed.
        """
        told = event or {}
        name = str(told.get("job_name"))
        state: Any = told.get("status")
        stopped, reason = bool(told.get("stopped")), str(told.get("reason", ""))
        found = Outcome(state, str(told.get("job_status")), reason, stopped)
        waiting.verdict(
            self.kind, name, found, list(told.get("lines", [])), attached=bool(told.get("attached"))
        )
        return name

    def on_kill(self) -> None:
        """The worker is told to end: stop the job that it waits for."""
        if self.stop_on_kill and self._running:
            from aws_ml.lifecycle.stop import stop

            self.task.log.info("Stopping the %s %s", self.kind.noun, self._running)
            stop(self.aws, self.kind_key, self._running)
