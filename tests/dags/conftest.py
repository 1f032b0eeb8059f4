from __future__ import annotations

from tests import airflow_home

airflow_home.configure()

from typing import TYPE_CHECKING  # noqa: E402

import pytest  # noqa: E402

from tests.airflow_home import aws, database  # noqa: E402, F401 — fixtures

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag


@pytest.fixture(scope="session")
def dag_bag(database: None) -> DagBag:  # noqa: F811
    """Every DAG of the project, as the DAG processor reads them."""
    from airflow.dag_processing.dagbag import DagBag

    from scripts import local_settings

    return DagBag(local_settings.PROJECT / "dags")
