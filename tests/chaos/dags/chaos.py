"""One DAG for each kind of job and way to wait; the param `die` says where the worker kills itself."""

from __future__ import annotations

import os
import signal
import threading
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param

from aws_ml.operators import sagemaker as operators
from tests.chaos.counting_jobs import REQUESTS

OPERATORS = {
    "processing": operators.SageMakerProcessingOperator,
    "training": operators.SageMakerTrainingOperator,
    "transform": operators.SageMakerTransformOperator,
    "tuning": operators.SageMakerTuningOperator,
    "endpoint": operators.SageMakerEndpointOperator,
}
SECONDS_INTO_THE_WAIT = 3


def die() -> None:
    """Kill this task and the worker that supervises it, as a lost machine would."""
    os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def mortal(operator: Any) -> Any:
    """The operator, killed in its first try where the run's param says."""

    class Mortal(operator):  # type: ignore[misc]  # the class is an argument
        def execute(self, context: Any) -> Any:
            self.dies = context["params"]["die"] if context["ti"].try_number == 1 else ""
            return super().execute(context)

        def ensure(self, client: Any) -> Any:
            if self.dies == "before create":
                die()
            job = super().ensure(client)
            if self.dies == "after create":
                die()
            if self.dies == "while waiting":
                threading.Timer(SECONDS_INTO_THE_WAIT, die).start()
            return job

    Mortal.__name__ = operator.__name__
    return Mortal


for kind, request in REQUESTS.items():
    for how in ("deferred", "in_place"):
        with DAG(
            f"chaos_{kind}_{how}",
            schedule=None,
            params={"die": Param("", type="string")},
            default_args={"retries": 3, "retry_delay": timedelta(seconds=1)},
        ) as dag:
            mortal(OPERATORS[kind])(
                task_id="job",
                config=request(f"{{{{ macros.aws_ml.resource_name('chaos', '{kind}', dag_run, 32) }}}}"),
                deferrable=how == "deferred",
                check_interval=1,
            )
        globals()[dag.dag_id] = dag
