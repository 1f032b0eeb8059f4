"""A further classifier in `include/use_cases/catalogue.py`: one import, one entry, all else as it was."""

from __future__ import annotations

import ast

from scripts.new_use_case.errors import WrongInput

PACKAGE = "include.use_cases"


def add_classifier(source: str, name: str, constant: str) -> str:
    """The catalogue's text with one more classifier.

    :raises WrongInput: when the text is not a catalogue with a tuple of classifiers.
    """
    lines = source.splitlines(keepends=True)
    tree = ast.parse(source)
    entries, comprehension = _classifiers(tree)
    names = [ast.unparse(entry) for entry in entries]
    lines = _replaced(lines, comprehension, _statement([*names, constant]))
    return "".join(_with_import(lines, tree, f"{PACKAGE}.{name}.use_case", constant))


def check_constant(source: str, constant: str) -> None:
    """Check that a use case's constant replaces no name of the catalogue: `NAME=cases` would replace `CASES`.

    :raises WrongInput: when the catalogue uses the name.
    """
    nodes = list(ast.walk(ast.parse(source)))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {node.asname or node.name for node in nodes if isinstance(node, ast.alias)}
    if constant in names:
        raise WrongInput(
            f"NAME={constant.lower()}: its constant would be {constant}, a name that "
            "include/use_cases/catalogue.py uses already. Choose another name"
        )


def _classifiers(tree: ast.Module) -> tuple[list[ast.expr], ast.DictComp]:
    """The entries of `CLASSIFIERS = {case.name: case for case in (...)}`, and that expression."""
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and target.id == "CLASSIFIERS" and isinstance(value, ast.DictComp):
            values = value.generators[0].iter
            if isinstance(values, ast.Tuple):
                return values.elts, value
    raise WrongInput(
        "include/use_cases/catalogue.py: expected CLASSIFIERS = {case.name: case for case in (...)}; "
        "the command does not know how to add a use case to it"
    )


def _statement(names: list[str]) -> str:
    entries = "".join(f"        {name},\n" for name in names)
    return f"{{\n    case.name: case\n    for case in (\n{entries}    )\n}}"


def _replaced(lines: list[str], node: ast.expr, text: str) -> list[str]:
    """The lines with the text of a node replaced; columns of `ast` count bytes."""
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    before = lines[first].encode()[: node.col_offset].decode()
    after = lines[last].encode()[node.end_col_offset :].decode()
    return [*lines[:first], before + text + after, *lines[last + 1 :]]


def _with_import(lines: list[str], tree: ast.Module, module: str, constant: str) -> list[str]:
    """The import in its place: sorted by module among those of the package."""
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and _is_own(node)]
    if not imports:
        raise WrongInput(f"include/use_cases/catalogue.py: expected imports from {PACKAGE}")
    later = [node.lineno - 1 for node in imports if str(node.module) > module]
    place = min(later) if later else max(node.end_lineno or node.lineno for node in imports)
    return [*lines[:place], f"from {module} import {constant}\n", *lines[place:]]


def _is_own(node: ast.ImportFrom) -> bool:
    return (node.module or "").startswith(PACKAGE)
