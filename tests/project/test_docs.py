"""What the pages name exists: files, make targets, modules, and the variables that a DAG reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
SKIPPED = {".venv", ".airflow", ".run", ".local_aws", "dist"}
PAGES = [path for path in sorted(PROJECT.rglob("*.md")) if not SKIPPED & set(path.relative_to(PROJECT).parts)]
TARGETS = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))


def name_of(path: Path) -> str:
    return str(path.relative_to(PROJECT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_of_a_page_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if not re.match(r"\w+://", target):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_of_a_page_exist(page: Path) -> None:
    text = page.read_text()
    for target in re.findall(
        r"\bmake ([a-z-]+)\b", "\n".join(re.findall(r"`[^`]+`|^make .*$", text, re.MULTILINE))
    ):
        assert target in TARGETS, f"make {target}"
    for module in re.findall(r"python -m ((?:include|scripts|benchmarks)[\w.]*)", text):
        path = PROJECT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


def test_every_decision_is_in_the_list() -> None:
    index = (PROJECT / "docs/adr/README.md").read_text()
    for page in (PROJECT / "docs/adr").glob("0*.md"):
        assert f"({page.name})" in index, page.name


def test_every_airflow_variable_that_is_read_is_in_the_readme() -> None:
    read: set[str] = set()
    for folder in ("dags", "include", "plugins"):
        for path in (PROJECT / folder).rglob("*.py"):
            read |= set(re.findall(r"var\.value\.(\w+)", path.read_text()))
    assert read
    readme = (PROJECT / "README.md").read_text()
    for variable in read:
        assert f"`{variable}`" in readme, variable


def stops() -> list[list[str]]:
    """Cells of the README's table "A run in ten stops": number, file, what happens, what to read first."""
    text = (PROJECT / "README.md").read_text().partition("### A run in ten stops")[2]
    lines = re.findall(r"^\| \d+ \|.*$", text, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("stop", stops(), ids=lambda stop: f"stop-{stop[0]}")
def test_a_stop_of_the_readmes_run_names_files_and_a_function_that_exist(stop: list[str]) -> None:
    _, file, what, first = stop
    for path in re.findall(r"`([\w/]+\.py)`", f"{file} {what}"):
        assert (PROJECT / path).is_file(), path
    for name in re.findall(r"`(\w+)`", first):
        source = (PROJECT / file.strip("`")).read_text()
        assert re.search(rf"^ *((async )?def {name}\(|class {name}\b|{name} = )", source, re.MULTILINE), name


def test_there_are_ten_stops() -> None:
    assert [stop[0] for stop in stops()] == [str(number) for number in range(1, 11)]
