"""A name says what it holds: words that could stand for anything are not bound anywhere."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[2]
ROOMS = ("dags", "plugins", "include", "scripts", "benchmarks", "docker", "tests")
VAGUE = {
    *("found", "one", "told", "said", "kept", "known", "given", "shown", "wanted"),
    *("planned", "contested", "compared"),  # participles as handles
}
EXAMPLE = """
import json as told
def found(one, *kept, known=1, **given):
    shown = [said for said in one]
    self.wanted = lambda planned: planned
    with open(one) as contested: pass
    try: pass
    except OSError as compared: print(found, shown.one)
class told: pass
match one:
    case {"a": found, **kept}: pass
    case [*known]: pass
"""


def bound_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of every function, class, argument, variable, attribute and import that is bound."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield line, name
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()):
                yield line, name
            case ast.Attribute(attr=name, ctx=ast.Store()) | ast.alias(asname=str(name)):
                yield line, name
            case ast.ExceptHandler(name=str(name)) | ast.MatchMapping(rest=str(name)):
                yield line, name
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield line, name


def aliases(tree: ast.AST) -> Iterator[str]:
    """The names by which modules are imported with `as`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname for alias in node.names if alias.asname)


def test_every_way_to_bind_a_name_is_seen() -> None:
    lines = sorted((line, name) for line, name in bound_names(ast.parse(EXAMPLE)) if name in VAGUE)
    assert lines == [
        *((2, "told"), (3, "found"), (3, "given"), (3, "kept"), (3, "known"), (3, "one"), (4, "said")),
        *((4, "shown"), (5, "planned"), (5, "wanted"), (6, "contested"), (8, "compared"), (9, "told")),
        *((11, "found"), (11, "kept"), (12, "known")),
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_names_say_what_they_hold(room: str) -> None:
    paths = sorted((PROJECT / room).rglob("*.py"))
    assert paths
    vague = [
        f"{path.relative_to(PROJECT)}:{line}: {name}"
        for path in paths
        for line, name in bound_names(ast.parse(path.read_text()))
        if name in VAGUE
    ]
    assert not vague, "\n" + "\n".join(vague)


def test_an_alias_is_seen() -> None:
    assert list(aliases(ast.parse("import a\nimport b as requests\nfrom c import d as e"))) == [
        "requests",
        "e",
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_no_module_takes_the_name_of_the_library_requests(room: str) -> None:
    paths = sorted((PROJECT / room).rglob("*.py"))
    assert paths
    assert [path for path in paths if "requests" in aliases(ast.parse(path.read_text()))] == []
