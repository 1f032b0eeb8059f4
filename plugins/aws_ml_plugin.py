"""The project's only Airflow plugin: what templates and the UI get from it.

In templates: `{{ macros.aws_ml.resource_name("churn", "train", dag_run) }}`,
`{{ macros.aws_ml.run_key(dag_run) }}`, `{{ macros.aws_ml.image_uri("xgboost", "3.2-0") }}`.
"""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from aws_ml import pools
from aws_ml.images import connection_image_uri
from aws_ml.links.console import LINKS
from aws_ml.names import resource_name, run_key


def image_uri(framework: str, version: str) -> str:
    """The AWS image in the region of the `aws_default` connection."""
    return connection_image_uri(framework, version)


class AwsMlPlugin(AirflowPlugin):
    """Registers the macros under `macros.aws_ml`, the links from tasks to their jobs, the pools."""

    name = "aws_ml"
    macros = [resource_name, run_key, image_uri]
    operator_extra_links = list(LINKS)
    listeners = [pools]
