from __future__ import annotations

from tests import airflow_home

airflow_home.configure()

from tests.airflow_home import aws, database  # noqa: E402, F401 — fixtures
