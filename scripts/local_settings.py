"""The start-up settings of a laptop: the only place, with `include/local_aws`, that knows AWS is local.

Everything reaches Airflow through its environment, as it would on any other installation.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT = Path(__file__).parents[1]
HOME = Path(os.environ.get("ML_LOCAL_HOME", PROJECT)).resolve()  # folder of all state
AIRFLOW_HOME = HOME / ".airflow"
AWS_STATE = HOME / ".local_aws"
RUN = HOME / ".run"  # process ids, logs, reports
JOBS_PYTHON = PROJECT / ".venv" / "jobs" / "bin" / "python"
AIRFLOW = PROJECT / ".venv" / "airflow" / "bin" / "airflow"

LOOPBACK = "127.0.0.1,localhost"
REGION = "eu-west-1"
BUCKET = "ml-workflows"
ROLE = "arn:aws:iam::123456789012:role/ml-workflows"


def aws_environment(aws_url: str) -> dict[str, str]:
    """Settings with which boto3 calls the local AWS; it does not check the keys, which are not real.

    Nothing of the user's own settings for AWS takes part (`without_aws`), nor do the files in `~/.aws`.
    """
    return {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_ENDPOINT_URL": aws_url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def without_aws(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without the user's settings for AWS, such as a profile or an endpoint of a service.

    They would send data elsewhere: `AWS_ENDPOINT_URL_S3` counts more than the `AWS_ENDPOINT_URL` of all
    services. No proxy stands between this machine and itself either.
    """
    kept_out = {name for name in environment if name.upper().startswith("AWS_")}
    direct = {
        name: ",".join(filter(None, (environment.get(name), LOOPBACK))) for name in ("NO_PROXY", "no_proxy")
    }
    return {**{name: value for name, value in environment.items() if name not in kept_out}, **direct}


def forget_aws() -> None:
    """Take the user's settings for AWS out of this process."""
    for name in set(os.environ) - set(without_aws(os.environ)):
        del os.environ[name]
    os.environ |= without_aws(os.environ)


def airflow_environment(aws_url: str, port: int) -> dict[str, str]:
    """The environment of every Airflow process: this project's folders, a small SQLite installation.

    :param port: of the UI and the APIs, on loopback.
    """
    settings = {
        "AIRFLOW_HOME": AIRFLOW_HOME,
        "AIRFLOW__CORE__DAGS_FOLDER": PROJECT / "dags",
        "AIRFLOW__CORE__PLUGINS_FOLDER": PROJECT / "plugins",
        "AIRFLOW__CORE__LOAD_EXAMPLES": False,
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": False,
        "AIRFLOW__CORE__PARALLELISM": 4,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": port,
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__WORKERS": 1,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{AIRFLOW_HOME}/airflow.db",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": 1,
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": 300,  # a file that changes is read at once
        # a run that waited while all was down is scheduled before the API that its tasks talk to is up
        "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": 8,
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": AIRFLOW_HOME / "logs",
        "AIRFLOW__AWS_ML__DEFER_AFTER": 8,  # most jobs end sooner here than a deferral takes
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": False,
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps({"conn_type": "aws"}),
        "AIRFLOW_VAR_ML_BUCKET": BUCKET,
        "AIRFLOW_VAR_ML_ROLE_ARN": ROLE,
        "AIRFLOW_VAR_ML_PERSONALIZE_ROLE_ARN": ROLE,
        "ML_SETTLE_MINUTES": 0.02,  # the local AWS writes captured requests within a second
        "PYTHONPATH": PROJECT,
        **aws_environment(aws_url),
    }
    if sys.platform == "darwin":  # looking up proxies after a fork crashes there
        settings |= {"no_proxy": "*", "NO_PROXY": "*", "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES"}
    return {**without_aws(os.environ), **{name: str(value) for name, value in settings.items()}}
