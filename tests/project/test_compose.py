"""What the compose files say; `make compose-test` starts them."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
STACK: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yaml").read_text())
SERVICES: dict[str, Any] = STACK["services"]
ONE_SHOT = {"secrets", "airflow-init"}
AIRFLOW = {name for name in SERVICES if name.startswith("airflow-")} - ONE_SHOT


def test_without_a_profile_it_is_the_whole_stack_on_one_machine() -> None:
    assert {name for name, service in SERVICES.items() if "profiles" not in service} == {
        *("secrets", "postgres", "local-aws", "airflow-init", "airflow-apiserver"),
        *("airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"),
    }
    assert {name for name, service in SERVICES.items() if service.get("profiles") == ["celery"]} == {
        *("redis", "airflow-worker"),
    }


@pytest.mark.parametrize("executor", ["LocalExecutor", "CeleryExecutor"])
def test_the_locked_packages_have_the_executors(executor: str) -> None:
    from airflow.executors.executor_loader import ExecutorLoader

    module, _, name = ExecutorLoader.executors[executor].rpartition(".")
    assert getattr(import_module(module), name).__name__ == executor


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_has_a_health_check_and_restarts(name: str) -> None:
    service = SERVICES[name]
    if name in ONE_SHOT:
        assert service["restart"] == "no"
    else:
        assert service["healthcheck"]["test"]
        assert service["restart"] == "always"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_ports_are_open_on_loopback_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_state_is_in_named_volumes(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source, _, options = volume.partition(":")
        assert source in STACK["volumes"] or (source.startswith("./") and options.endswith(":ro")), volume


def test_secrets_are_read_from_the_volume() -> None:
    environment = SERVICES["airflow-scheduler"]["environment"]
    for setting in (
        "CORE__FERNET_KEY",
        "API_AUTH__JWT_SECRET",
        "API__SECRET_KEY",
        "DATABASE__SQL_ALCHEMY_CONN",
    ):
        assert f"AIRFLOW__{setting}" not in environment
        assert environment[f"AIRFLOW__{setting}_CMD"].startswith("cat /opt/airflow/secrets/")


def test_your_aws_account_reaches_every_airflow_service_and_leaves_the_local_aws_out() -> None:
    override = yaml.safe_load((PROJECT / "docker-compose.aws.yaml").read_text())["services"]
    assert override.pop("local-aws")["profiles"]
    assert set(override) == AIRFLOW
    for service in override.values():
        local = {key for key in SERVICES["airflow-scheduler"]["environment"] if re.match(r"AWS_(?!DEF)", key)}
        assert local <= set(service["environment"])
        assert all(service["environment"][key] is None for key in local)
        assert service["environment"]["AIRFLOW__AWS_ML__DEFER_AFTER"] == 0


def test_every_setting_of_the_example_is_read() -> None:
    text = "".join(path.read_text() for path in PROJECT.glob("docker-compose*.yaml"))
    for setting in re.findall(r"^#(\w+)=", (PROJECT / ".env.example").read_text(), re.MULTILINE):
        assert setting in text or setting.startswith("COMPOSE_"), setting


def test_secrets_are_created_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PROJECT / "docker"))
    first_start = __import__("first_start")
    first_start.make_all(tmp_path)
    created = {file.name: file.read_text() for file in tmp_path.iterdir()}
    (tmp_path / "jwt_secret").unlink()
    first_start.make_all(tmp_path)
    again = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert again.pop("jwt_secret") != created.pop("jwt_secret")
    assert again == created
    assert created["postgres_password"] in created["sql_alchemy_conn"]
    assert not any(file.stat().st_mode & 0o007 for file in tmp_path.iterdir())
