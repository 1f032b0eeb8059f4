"""What a person sees of the installation: runs, tasks, documents in S3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from scripts import local_settings as local
from tests.airflow_stack import FINISHED, eventually, insist

if TYPE_CHECKING:
    from tests.airflow_stack import Stack

WINDOW_HOURS = 1 / 60
SETTINGS = {
    "ML_DRIFT_MONITOR_SCHEDULE": "* * * * *",
    "ML_DRIFT_WINDOW_HOURS": str(WINDOW_HOURS),
    "AIRFLOW__CORE__PARALLELISM": "8",
}


class World:
    """What a person and a client of the installation see."""

    def __init__(self, stack: Stack, use_case: str) -> None:
        self.stack, self.api, self.use_case = stack, stack.api, use_case

    def start(self, dag: str, conf: dict[str, Any] | None = None) -> str:
        return str(insist(lambda: self.api.trigger(dag, conf or {})))

    def state(self, dag: str, run: str) -> str:
        return str(self.api.get(f"/dags/{dag}/dagRuns/{run}")["state"])

    def finish(self, dag: str, run: str, seconds: float = 900) -> str:
        eventually(lambda: self.state(dag, run) in FINISHED, seconds)
        return self.state(dag, run)

    def run(self, dag: str, conf: dict[str, Any] | None = None) -> str:
        return self.finish(dag, self.start(dag, conf))

    def clear(self, dag: str, run: str, task: str) -> None:
        """Clear a task of a run and all that comes after it, as a person does."""
        body = {
            "dry_run": False,
            "dag_run_id": run,
            "task_ids": [task],
            "include_downstream": True,
            "only_failed": False,
        }
        insist(lambda: self.api.post(f"/dags/{dag}/clearTaskInstances", body))

    def runs(self, dag: str, prefix: str) -> list[dict[str, Any]]:
        """Runs whose id begins so, oldest first."""
        runs = self.api.get(f"/dags/{dag}/dagRuns?order_by=run_after&limit=100")["dag_runs"]
        return [run for run in runs if run["dag_run_id"].startswith(prefix)]

    def tasks(self, dag: str, run: str) -> dict[str, str]:
        instances = self.api.get(f"/dags/{dag}/dagRuns/{run}/taskInstances?limit=200")["task_instances"]
        return {task["task_id"]: task["state"] for task in instances}

    def documents(self, name: str) -> list[dict[str, Any]]:
        """All documents of a name below the use case's folder, oldest first."""
        return [self._read(key) for key in sorted(self.objects(f"{self.use_case}/")) if key.endswith(name)]

    def objects(self, prefix: str) -> dict[str, Any]:
        """When each object below a prefix was written, by key."""
        pages = self.stack.s3.get_paginator("list_objects_v2").paginate(Bucket=local.BUCKET, Prefix=prefix)
        return {entry["Key"]: entry["LastModified"] for page in pages for entry in page.get("Contents", [])}

    def _read(self, key: str) -> dict[str, Any]:
        return dict(json.loads(self.stack.s3.get_object(Bucket=local.BUCKET, Key=key)["Body"].read()))

    def decision(self, run: str) -> dict[str, Any]:
        (decision,) = [document for document in self.documents("/decision.json") if document["run"] == run]
        return decision
