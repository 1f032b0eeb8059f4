from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.import_plugin("tests.airflow_home")


@pytest.fixture(scope="session")
def dag_bag(database: None) -> DagBag:
    """Every DAG of the project, as the DAG processor reads them."""
    from airflow.dag_processing.dagbag import DagBag

    from scripts import local_settings

    return DagBag(local_settings.PROJECT / "dags")
