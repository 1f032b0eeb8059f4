"""Checks single values of a CSV file against the column of a schema (developer guide, "Quotas")."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_ml.validation.schemas import Column, Schema

    # What was expected instead of a value; empty when the value fits.
    Check = Callable[[str], str]

IDS = ("USER_ID", "ITEM_ID")
TIMES = ("TIMESTAMP", "CREATION_TIMESTAMP")
ID_CHARACTERS, CATEGORY_CHARACTERS, TEXT_CHARACTERS = 256, 1000, 20_000
LATEST = 100_000_000_000  # seconds: the year 5138; larger numbers are milliseconds
WHOLE = re.compile(r"-?[0-9]{1,19}")
DECIMAL = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
NUMBERS = {  # Avro type → its text, the first number that is too large, what is expected
    "int": (WHOLE, 2.0**31, "a whole number of 32 bits"),
    "long": (WHOLE, 2.0**63, "a whole number of 64 bits"),
    "float": (DECIMAL, 2.0**128, "a number of 32 bits"),
    "double": (DECIMAL, float("inf"), "a number of 64 bits"),
}
WORDS: dict[str, tuple[frozenset[str], str]] = {
    "boolean": (frozenset(("true", "false")), "true or false, in lower case"),
    "null": (frozenset(), "nothing, the schema allows null only"),
}


def check_of(schema: Schema, column: Column) -> Check:
    """The check of a column's values."""
    empty = "" if column.nullable or column.type == "null" else "a value, the schema allows no null"
    if column.type in NUMBERS:
        return _number(column, empty)
    if column.type == "string":
        return _text(_longest(schema, column), empty)
    allowed, expected = WORDS[column.type]
    return lambda text: empty if not text else "" if text in allowed else expected


def _number(column: Column, empty: str) -> Check:
    pattern, limit, expected = NUMBERS[column.type]
    read = float if pattern is DECIMAL else int
    latest = LATEST if column.name in TIMES else limit

    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            return expected if text else empty
        value = read(text)
        if not -limit <= value < limit:
            return expected
        return "" if value < latest else "seconds since 1970, not milliseconds"

    return check


def _text(longest: int, empty: str) -> Check:
    expected = f"{longest} characters at most"
    return lambda text: empty if not text else "" if len(text) <= longest else expected


def _longest(schema: Schema, column: Column) -> int:
    """Characters that a text may have."""
    if column.name in IDS:
        return ID_CHARACTERS
    if column.textual:
        return TEXT_CHARACTERS
    bounded = column.categorical or column.name == "IMPRESSION" or schema.type == "Items"
    return CATEGORY_CHARACTERS if bounded else sys.maxsize
