from __future__ import annotations

from tests import airflow_home

airflow_home.configure()

from typing import TYPE_CHECKING  # noqa: E402

import pytest  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.dag_processing.dagbag import DagBag


@pytest.fixture(scope="session")
def database() -> None:
    """Airflow's metadata database, empty."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture(scope="session")
def dag_bag(database: None) -> DagBag:
    """Every DAG of the project, as the DAG processor reads them."""
    from airflow.dag_processing.dagbag import DagBag

    from scripts import local_settings

    return DagBag(local_settings.PROJECT / "dags")


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a local AWS of this test session."""
    yield from airflow_home.local_aws(tmp_path_factory.mktemp("aws") / "state")
