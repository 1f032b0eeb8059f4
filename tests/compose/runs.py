"""Runs of DAGs in the stack, as a person sees them through Airflow's REST API and the AWS API."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from tests.compose.engine import FINISHED, eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.compose.engine import Compose

JOBS = {"processing": 3, "training": 1, "transform": 1}  # that one churn run pays for


class Run:
    """One run of a DAG: started now, or one that the scheduler made (`run_id`)."""

    def __init__(
        self, stack: Compose, dag: str, conf: dict[str, Any] | None = None, run_id: str = ""
    ) -> None:
        self.stack, self.dag = stack, dag
        if not run_id:
            run_id = eventually(lambda: stack.api.trigger(dag, conf or {}), 400, f"{dag} can be started")
        self.id = run_id
        self._path = f"/dags/{dag}/dagRuns/{self.id}"

    @property
    def state(self) -> str:
        return str(self.stack.api.get(self._path)["state"])

    @property
    def conf(self) -> dict[str, Any]:
        return dict(self.stack.api.get(self._path)["conf"])

    @property
    def tasks(self) -> dict[str, str]:
        instances = self.stack.api.get(f"{self._path}/taskInstances?limit=200")["task_instances"]
        return {task["task_id"]: task["state"] for task in instances}

    def reach(self, task: str, states: tuple[str, ...], seconds: float = 600) -> None:
        eventually(lambda: self.tasks.get(task) in states, seconds, f"{task} is {states}")

    def finish(self, seconds: float = 1500) -> str:
        eventually(lambda: self.state in FINISHED, seconds, f"{self.dag} ends")
        return self.state

    def result(self, task: str) -> Any:
        return self.stack.api.result(self.dag, self.id, task)

    @property
    def jobs(self) -> dict[str, int]:
        """How many SageMaker jobs of each kind carry this run's key, whatever they ended as."""
        key, sagemaker = self.result("publish")["run"], self.stack.aws("sagemaker")

        def count(kind: str) -> int:
            pages = sagemaker.get_paginator(f"list_{kind}_jobs").paginate(NameContains=key)
            return sum(len(page[f"{kind.title()}JobSummaries"]) for page in pages)

        return {kind: count(kind) for kind in ("processing", "training", "transform")}


def scheduled(stack: Compose, dag: str) -> list[Run]:
    """Runs that the clock has started."""
    runs = stack.api.get(f"/dags/{dag}/dagRuns?limit=100&order_by=run_after")["dag_runs"]
    ids = [run["dag_run_id"] for run in runs if run["run_type"] == "scheduled"]
    return [Run(stack, dag, run_id=run_id) for run_id in ids]


def newest(stack: Compose, dag: str) -> str:
    """The id of the run that was made last."""
    return str(stack.api.get(f"/dags/{dag}/dagRuns?limit=1&order_by=-run_after")["dag_runs"][0]["dag_run_id"])


def decisions(stack: Compose) -> list[dict[str, Any]]:
    """What the retrainings of churn came to, oldest first."""
    s3, prefix = stack.aws("s3"), "churn/retraining/"
    objects = s3.list_objects_v2(Bucket="ml-workflows", Prefix=prefix).get("Contents", [])
    keys = sorted(entry["Key"] for entry in objects if entry["Key"].endswith("/decision.json"))
    return [json.load(s3.get_object(Bucket="ml-workflows", Key=key)["Body"]) for key in keys]


def everything(stack: Compose) -> dict[str, dict[Any, str]]:
    """What must survive a restart, by kind: runs, objects, models, endpoints, campaigns."""
    s3, sagemaker, personalize = (stack.aws(name) for name in ("s3", "sagemaker", "personalize"))
    runs = stack.api.get("/dags/~/dagRuns?limit=100")["dag_runs"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="ml-workflows")
    return {
        "runs": {(run["dag_id"], run["dag_run_id"]): run["state"] for run in runs},
        "objects": {entry["Key"]: entry["ETag"] for page in pages for entry in page.get("Contents", [])},
        "models": {model["ModelName"]: model["ModelArn"] for model in sagemaker.list_models()["Models"]},
        "endpoints": {
            endpoint["EndpointName"]: endpoint["EndpointStatus"]
            for endpoint in sagemaker.list_endpoints()["Endpoints"]
        },
        "campaigns": {
            campaign["name"]: campaign["status"] for campaign in personalize.list_campaigns()["campaigns"]
        },
    }


def _start_times(stack: Compose, service: str) -> dict[str, str]:
    """When each container of a service was started, by its id."""
    return {container["Id"]: container["State"]["StartedAt"] for container in stack.containers(service)}


def recovers(stack: Compose, service: str, kill: Callable[[], None]) -> float:
    """Kill it; the seconds until the engine has started it again and it is healthy."""
    before = _start_times(stack, service)
    started = time.monotonic()
    kill()

    def again() -> bool:
        now = _start_times(stack, service)
        return now.keys() == before.keys() and now != before

    eventually(again, 120, f"{service} was started again")
    eventually(lambda: not stack.unhealthy(), 300, f"{service} is healthy again")
    return time.monotonic() - started
