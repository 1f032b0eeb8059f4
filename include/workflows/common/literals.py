"""Constants of a use case where Airflow renders templates: its text stays text."""

from __future__ import annotations

import re
from typing import TypeVar, cast

Constant = TypeVar("Constant")

OPENING = re.compile(r"\{[{%#]")  # where Jinja begins an expression, a statement or a comment


def literal(constant: Constant) -> Constant:
    """A text, or a structure of texts, that a template engine gives back as it is.

    >>> literal(["--columns", "number:{{ x }}"])
    ['--columns', "number:{{ '{{' }} x }}"]

    Keys of dictionaries are not rendered, and stay as they are.
    """
    if isinstance(constant, str):
        return cast("Constant", OPENING.sub(lambda match: f"{{{{ '{match[0]}' }}}}", constant))
    if isinstance(constant, dict):
        return cast("Constant", {key: literal(value) for key, value in constant.items()})
    if isinstance(constant, list | tuple):
        return cast("Constant", type(constant)(literal(part) for part in constant))
    return constant
