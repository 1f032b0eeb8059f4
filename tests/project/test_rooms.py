"""Who may know whom: the rooms of the house, guarded by reading the imports of every file."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


def imports_of(path: Path) -> set[str]:
    """Dotted names of all modules that a file imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def files(*patterns: str) -> list[Path]:
    found = [path for pattern in patterns for path in sorted(PROJECT.glob(pattern))]
    assert found, f"no file matches {patterns}: the test would prove nothing"
    return found


def standard(name: str) -> bool:
    return name.split(".")[0] in sys.stdlib_module_names


def name_of(path: Path) -> str:
    return str(path.relative_to(PROJECT))


@pytest.mark.parametrize("path", files("dags/*.py"), ids=name_of)
def test_a_dag_knows_airflow_plugins_and_include_but_never_the_local_aws(path: Path) -> None:
    for name in imports_of(path):
        assert standard(name) or name.split(".")[0] in {"airflow", "aws_ml", "include"}, name
        assert not name.startswith("include.local_aws")


@pytest.mark.parametrize("path", files("plugins/**/*.py"), ids=name_of)
def test_plugins_know_only_airflow_and_boto3(path: Path) -> None:
    known = {"airflow", "boto3", "botocore", "jmespath", "aws_ml"}  # jmespath is a part of boto3
    assert {name for name in imports_of(path) if not standard(name)} <= {
        name for name in imports_of(path) if name.split(".")[0] in known
    }


@pytest.mark.parametrize("path", files("include/use_cases/*.py", "include/use_cases/*/*.py"), ids=name_of)
def test_use_cases_are_pure_data(path: Path) -> None:
    for name in imports_of(path):
        assert standard(name) or name.startswith("include.use_cases"), name


@pytest.mark.parametrize("path", files("include/local_aws/**/*.py"), ids=name_of)
def test_the_local_aws_shares_nothing_with_the_project(path: Path) -> None:
    for name in imports_of(path):
        assert name.split(".")[0] not in {"airflow", "dags", "aws_ml", "scripts"}, name
        assert not name.startswith("include.") or name.startswith("include.local_aws"), name


def test_only_the_local_aws_and_the_startup_settings_know_that_aws_is_local() -> None:
    words = ("local_aws", "AWS_ENDPOINT_URL", "endpoint_url", "127.0.0.1", "localhost")
    rest = files("dags/**/*.py", "plugins/**/*.py", "include/*.py", "include/[!l]*/**/*.py")
    knowing = [f"{name_of(path)}: {word}" for path in rest for word in words if word in path.read_text()]
    assert knowing == []
