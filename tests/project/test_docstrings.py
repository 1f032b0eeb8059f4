"""A public function says which exceptions it raises: `:raises Name` in its docstring, or in its class's."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[2]
ROOMS = (
    *("dags", "plugins", "include/aws", "include/datasets", "include/jobs", "include/use_cases"),
    *("include/workflows", "include/local_aws"),
)
ABSTRACT = "NotImplementedError"
Function = ast.FunctionDef | ast.AsyncFunctionDef
EXAMPLE = '''
class Shop:
    """Sells.

    :raises Closed: on Sundays, whatever is asked for.
    """
    def __init__(self): raise Unlicensed
    def open(self): raise NotImplementedError
    def sell(self):
        if self.sunday: raise Closed("on Sundays")
        raise errors.SoldOut
    def price(self):
        """:raises Unknown: when the price is not known."""
        def ask():
            raise Silence
        try:
            raise Unknown("the price") from None
        except ValueError as error:
            raise
        except TypeError as error:
            raise error
    def _count(self): raise Wrong
class _Stall:
    def sell(self): raise Closed
async def main():
    """Sells a Strange thing."""
    for _ in "ab":
        raise Strange()
'''


def own_nodes(function: Function) -> Iterator[ast.AST]:
    """All nodes of a function's body, without those of functions and classes inside it."""
    nodes: list[ast.AST] = list(function.body)
    while nodes:
        node = nodes.pop(0)
        yield node
        if not isinstance(node, Function | ast.ClassDef | ast.Lambda):
            nodes.extend(ast.iter_child_nodes(node))


def raised_classes(function: Function) -> set[str]:
    """Names of the exception classes that leave a function's own body; what it catches itself does not."""
    names: set[str] = set()
    caught: set[str] = set()
    for node in own_nodes(function):
        if isinstance(node, ast.Raise) and node.exc is not None:
            exception = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            name = ast.unparse(exception).rpartition(".")[2]
            if name[:1].isupper() and name != ABSTRACT:
                names.add(name)
        elif isinstance(node, ast.Try):
            caught |= {name for handler in node.handlers for name in _swallowed(handler)}
    return names - caught


def _swallowed(handler: ast.ExceptHandler) -> set[str]:
    """Exception classes that a handler ends: it raises nothing itself."""
    if handler.type is None or any(isinstance(node, ast.Raise) for node in ast.walk(handler)):
        return set()
    classes = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {ast.unparse(name).rpartition(".")[2] for name in classes}


def public_functions(tree: ast.Module) -> Iterator[tuple[str, Function, str]]:
    """Name, node and docstrings (its own, its class's) of each public function and method."""
    for node in tree.body:
        if isinstance(node, Function) and is_public(node.name):
            yield node.name, node, ast.get_docstring(node) or ""
        elif isinstance(node, ast.ClassDef) and is_public(node.name):
            of_class = ast.get_docstring(node) or ""
            for member in node.body:
                if isinstance(member, Function) and is_public(member.name):
                    text = f"{of_class}\n{ast.get_docstring(member) or ''}"
                    yield f"{node.name}.{member.name}", member, text


def is_public(name: str) -> bool:
    """Whether others may use it: `run` and `__init__`, not `_run`."""
    return not name.startswith("_") or name.startswith("__")


def undocumented(source: str) -> list[tuple[int, str, str]]:
    """Line, function and exception class of each raise that no docstring names."""
    return [
        (function.lineno, name, exception)
        for name, function, text in public_functions(ast.parse(source))
        for exception in sorted(raised_classes(function))
        if not re.search(rf":raises (\w+\.)*{exception}\b", text)
    ]


def test_the_check_sees_what_is_raised_and_what_is_documented() -> None:
    assert undocumented(EXAMPLE) == [
        (7, "Shop.__init__", "Unlicensed"),
        (9, "Shop.sell", "SoldOut"),
        (25, "main", "Strange"),
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_every_exception_that_a_public_function_raises_is_in_a_docstring(room: str) -> None:
    paths = sorted((PROJECT / room).rglob("*.py"))
    assert paths
    missing = [
        f"{path.relative_to(PROJECT)}:{line}: {name} raises {exception}"
        for path in paths
        for line, name, exception in undocumented(path.read_text())
    ]
    assert not missing, "\n" + "\n".join(missing)
