"""The few calls to Airflow's REST API that the demo and the tests need."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

FINISHED = {"success", "failed"}


class AirflowApiError(RuntimeError):
    """Airflow did not answer as expected."""


class AirflowApi:
    """A session with Airflow's public REST API.

    with AirflowApi(url, "admin", password) as api:
        run_id = api.trigger("churn", {})
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        token = httpx.post(f"{url}/auth/token", json={"username": user, "password": password}, timeout=30)
        token.raise_for_status()
        headers = {"Authorization": f"Bearer {token.json()['access_token']}"}
        self._client = httpx.Client(base_url=f"{url}/api/v2", headers=headers, timeout=90)

    def __enter__(self) -> AirflowApi:
        return self

    def __exit__(self, *exception: object) -> None:
        self._client.close()

    def get(self, path: str) -> Any:
        """What a path of the API answers.

        :raises httpx.HTTPStatusError: when Airflow answers with an error.
        """
        answer = self._client.get(path)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Send a body and return the answer.

        :raises AirflowApiError: with Airflow's text, when it answers with an error.
        """
        return self._send("POST", path, body)

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        """Change something and return the answer.

        :raises AirflowApiError: with Airflow's text, when it answers with an error.
        """
        return self._send("PATCH", path, body)

    def _send(self, method: str, path: str, body: dict[str, Any]) -> Any:
        answer = self._client.request(method, path, json=body)
        if answer.is_error:
            raise AirflowApiError(f"{method} {path}: {answer.text}")
        return answer.json()

    def wait_for_dag(self, dag_id: str, timeout: float = 90) -> None:
        """Wait until Airflow has read the DAG file.

        :param timeout: in seconds.
        :raises AirflowApiError: with the import error if there is one, or when the time is over.
        """
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self._client.get(f"/dags/{dag_id}").status_code == httpx.codes.OK:
                return
            if errors := self.get("/importErrors")["import_errors"]:
                raise AirflowApiError(f"{errors[0]['filename']}:\n{errors[0]['stack_trace']}")
            time.sleep(0.5)
        raise AirflowApiError(f"Airflow does not know the DAG {dag_id} after {timeout:.0f} seconds.")

    def trigger(self, dag_id: str, conf: dict[str, Any]) -> str:
        """Start a run and return its id.

        :raises AirflowApiError: when Airflow refuses, such as for params that are not valid.
        """
        run = self.post(f"/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf})
        return str(run["dag_run_id"])

    def follow(self, dag_id: str, run_id: str, interval: float = 0.5) -> Iterator[list[dict[str, Any]]]:
        """The run's task instances, repeatedly; the last time when the run has finished.

        :param interval: pause in seconds.
        """
        while True:
            state = self.get(f"/dags/{dag_id}/dagRuns/{run_id}")["state"]
            yield self.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances?limit=200")["task_instances"]
            if state in FINISHED:
                return
            time.sleep(interval)

    def result(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """What a task returned."""
        entry = self.get(
            f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value?deserialize=true"
        )
        return entry["value"]

    def log(self, dag_id: str, run_id: str, task: dict[str, Any], lines: int = 15) -> str:
        """The end of a task's log."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
        content = self.get(path)["content"]
        return "\n".join(str(line.get("event", line)) for line in content[-lines:])
