"""Checks every constraint of the service model, as AWS does: all failures in one error."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import regex

from include.local_aws.protocol.errors import AwsError
from include.local_aws.protocol.http import Upload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.model import Shape

    from include.local_aws.calls import Params

# The error code of each service for invalid parameters; all others use ValidationException.
CODES = {
    "personalize": "InvalidInputException",
    "personalize-runtime": "InvalidInputException",
    "personalize-events": "InvalidInputException",
    "sagemaker-runtime": "ValidationError",
    "sagemaker-featurestore-runtime": "ValidationError",
    "logs": "InvalidParameterException",
    "s3": "InvalidArgument",
    "resourcegroupstaggingapi": "InvalidParameterException",
}

TYPES: dict[str, Any] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "character": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
    "blob": (bytes, Upload),
}


class InvalidParameters(AwsError):
    """One or more parameters break a constraint of the model."""


def validate(service: str, shape: Shape | None, params: Params) -> None:
    """Check parameters against the operation's input shape.

    :raises InvalidParameters: listing every broken constraint with the member's path and value.
    """
    failures = list(_check(shape, params, "")) if shape is not None else []
    if failures:
        noun = "error" if len(failures) == 1 else "errors"
        text = f"{len(failures)} validation {noun} detected: {'; '.join(failures)}"
        raise InvalidParameters(CODES.get(service, "ValidationException"), text)


def _failure(value: Any, place: str, rule: str) -> str:
    text = f"{len(value)} bytes" if isinstance(value, bytes) else str(value)[:200]
    value_text = "null" if value is None else f"'{text}'"
    return f"Value {value_text} at '{place}' failed to satisfy constraint: Member must {rule}"


def _check(shape: Shape, value: Any, place: str) -> Iterator[str]:
    expected = TYPES[shape.type_name]
    if not isinstance(value, expected) or (isinstance(value, bool) and shape.type_name != "boolean"):
        yield _failure(value, place, f"be of type {shape.type_name}")
        return
    yield from _limits(shape, value, place)
    if shape.type_name == "structure":
        yield from _check_structure(shape, value, place)
    elif shape.type_name == "list":
        for number, item in enumerate(value, start=1):
            yield from _check(shape.member, item, f"{place}.{number}.member")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _check(shape.key, key, f"{place}.key")
            yield from _check(shape.value, item, f"{place}.{key}.member")


def _check_structure(shape: Shape, value: Params, place: str) -> Iterator[str]:
    for name in shape.required_members:
        if name not in value and "location" not in shape.members[name].serialization:
            yield _failure(None, _join(place, name), "not be null")
    for name, item in value.items():
        if name in shape.members:
            yield from _check(shape.members[name], item, _join(place, name))


def _join(place: str, name: str) -> str:
    """`resourceConfig.instanceCount`: AWS writes members with a lower-case first letter."""
    return f"{place}.{name[:1].lower()}{name[1:]}".lstrip(".")


def _limits(shape: Shape, value: Any, place: str) -> Iterator[str]:
    rules = shape.metadata
    if shape.type_name in ("integer", "long", "float", "double"):
        yield from _range(rules, value, value, place, "have value")
    elif shape.type_name in ("string", "list", "map", "blob") and not isinstance(value, Upload):
        yield from _range(rules, len(value), value, place, "have length")
    if isinstance(value, str):
        if (allowed := rules.get("enum")) and value not in allowed:
            yield _failure(value, place, f"satisfy enum value set: [{', '.join(allowed)}]")
        if (pattern := rules.get("pattern")) and not _matches(pattern, value):
            yield _failure(value, place, f"satisfy regular expression pattern: {pattern}")


def _range(rules: dict[str, Any], size: float, value: Any, place: str, verb: str) -> Iterator[str]:
    if "min" in rules and size < rules["min"]:
        yield _failure(value, place, f"{verb} greater than or equal to {rules['min']}")
    if "max" in rules and size > rules["max"]:
        yield _failure(value, place, f"{verb} less than or equal to {rules['max']}")


def _matches(pattern: str, value: str) -> bool:
    return _compiled(pattern).fullmatch(value) is not None


# Java's syntax in the models' patterns that `regex` does not read.
DIALECT = {
    r"\z": r"\Z",  # the very end
    ")${": "){",  # an anchor with a quantifier
    r"\uD800\uDC00-\uDBFF\uDFFF": r"\U00010000-\U0010FFFF",  # surrogate pairs
}


@cache
def _compiled(pattern: str) -> regex.Pattern[str]:
    """A model's pattern; AWS anchors every pattern at both ends."""
    for java, python in DIALECT.items():
        pattern = pattern.replace(java, python)
    return regex.compile(pattern)
