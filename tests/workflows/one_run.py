"""One run of a DAG in a process, and with an Airflow home, of its own: as another Airflow would run it.

python -m tests.workflows.one_run <URL of AWS> <DAG id> <params as JSON>

The last line that it prints is {"run": run id, "states": {task: state}}.
"""

from __future__ import annotations

import json
import os
import sys

from scripts import local_settings as local
from tests import airflow_home


def main(url: str, dag_id: str, params: str) -> None:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.utils.db import initdb

    from aws_ml.lifecycle import poller

    assert airflow_home.HOME.exists()
    os.environ["AWS_ENDPOINT_URL"] = url
    poller.FIRST_SECONDS = 0.5
    initdb()
    run = DagBag(local.PROJECT / "dags").dags[dag_id].test(run_conf=json.loads(params))
    states = {ti.task_id: str(ti.state) for ti in run.get_task_instances()}
    print(json.dumps({"run": run.run_id, "states": states}))


if __name__ == "__main__":
    main(*sys.argv[1:])
