"""A small made-up table, right and wrong, and a small project beside it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from scripts.new_use_case.__main__ import main
from tests.new_use_case.projects import contents, small_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

ROWS = 400


def people(rows: int = ROWS, seed: int = 1) -> list[list[str]]:
    """Rows of age, city, plan, label: the label depends on age and plan, not completely."""
    chance = random.Random(seed)
    table = []
    for _ in range(rows):
        age, plan = chance.randint(18, 80), chance.choice(["free", "paid"])
        leaves = chance.random() < (0.7 if age < 40 and plan == "free" else 0.15)
        table.append([str(age), chance.choice(["Bonn", "Lyon", "Turin"]), plan, "yes" if leaves else "no"])
    return table


HEADER = ["age", "city", "plan", "leaves"]
GOOD = [HEADER, *people()]


def text(table: list[list[str]], separator: str = ",") -> str:
    return "".join(f"{separator.join(row)}\n" for row in table)


def with_column(name: str, value: Callable[[int, list[str]], str]) -> str:
    """The good table with a further column in front."""
    rows = [[value(number, row), *row] for number, row in enumerate(people())]
    return text([[name, *HEADER], *rows])


def with_line(number: int, line: str) -> str:
    lines = text(GOOD).splitlines(keepends=True)
    return "".join([*lines[: number - 1], f"{line}\n", *lines[number:]])


class Folder:
    """A small project beside a CSV file."""

    def __init__(self, folder: Path) -> None:
        self.project = small_project(folder / "project")
        self.csv = folder / "people.csv"

    def run(self, content: str | bytes, **variables: str) -> int:
        self.csv.write_bytes(content if isinstance(content, bytes) else content.encode())
        words = {"name": "leavers", "csv": str(self.csv), "label": "leaves", **variables}
        return main([f"--{name}={word}" for name, word in words.items()], self.project)


def refusal(
    folder: Folder, capsys: pytest.CaptureFixture[str], content: str | bytes, **variables: str
) -> str:
    """What the command says; checked: the exit code, and that nothing was written."""
    before = contents(folder.project)
    code = folder.run(content, **variables)
    captured = capsys.readouterr()
    assert code == 2, captured
    assert captured.out == ""
    assert captured.err.endswith("Nothing was written.\n")
    assert contents(folder.project) == before
    return captured.err
