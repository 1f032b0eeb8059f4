"""Which module of the plugin may import which: operators and sensors use the lifecycle, never the reverse."""

from __future__ import annotations

import ast

import pytest

from scripts import local_settings as local

FOLDER = local.PROJECT / "plugins/aws_ml"
MAY_IMPORT = {
    "lifecycle": {"errors", "clients", "lifecycle"},
    "validation": {"errors", "lifecycle", "validation"},
    "hooks": {"lifecycle"},
    "links": set(),
    "triggers": {"clients", "lifecycle"},
}


def imports(room: str) -> set[str]:
    """The parts of aws_ml that the modules of a folder import, at any depth."""
    trees = [ast.parse(path.read_text()) for path in (FOLDER / room).rglob("*.py")]
    modules = {
        module
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for module in [f"{node.module}.{node.names[0].name}"]
    }
    return {module.split(".")[1] for module in modules if module.startswith("aws_ml.")}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_no_import_runs_back(room: str) -> None:
    assert list((FOLDER / room).glob("*.py"))
    assert imports(room) <= MAY_IMPORT[room]


def test_the_check_sees_imports() -> None:
    assert {"lifecycle", "errors"} <= imports("operators")
