"""Evaluation of filters: which items, or users, an answer may contain."""

from __future__ import annotations

import csv
import operator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from include.local_aws.personalize.errors import invalid
from include.local_aws.personalize.filter_language import (
    Clause,
    Comparison,
    Condition,
    Parameter,
    comparisons,
    parameters,
    parse,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.personalize.backend import Backend

    Mask = NDArray[np.bool_]

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


class Filters:
    """The operation that creates filters."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def create_filter(self, params: Params, caller: Caller) -> Output:
        """Create a filter.

        :raises AwsError: InvalidInputException for an expression that is not valid or names an unknown field.
        """
        self._backend.parents("Filter", params)
        for clause in parse(params["filterExpression"]):
            self._check_fields(params["datasetGroupArn"], clause)
        return {"filterArn": self._backend["Filter"].create(dict(params), caller)}

    def _check_fields(self, group: str, clause: Clause) -> None:
        for comparison in comparisons(clause.where):
            dataset = self._backend.dataset(group, comparison.dataset)
            if dataset is None:
                raise invalid(f"The dataset group has no dataset of the type {comparison.dataset}.")
            columns = {column.name.upper() for column in self._backend.schema(dataset).columns}
            if comparison.field.upper() not in columns:
                raise invalid(f"The schema of {comparison.dataset} has no field {comparison.field}.")


@dataclass
class Subject:
    """What a filter is applied to.

    :param identifiers: of the items (or users) that are filtered.
    :param rows: their metadata by identifier.
    :param user: the current user's metadata.
    :param events: item identifier and event type of the current user's events.
    """

    identifiers: Sequence[str]
    rows: Mapping[str, Mapping[str, Any]]
    user: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[tuple[str, str]] = ()


def allowed(expression: str, values: Mapping[str, str], subject: Subject) -> Mask:
    """Which identifiers pass a filter: a mask of shape (len(subject.identifiers),).

    :param values: of the expression's parameters.
    :raises AwsError: InvalidInputException for a missing or unknown parameter, or an invalid expression.
    """
    clauses = parse(expression)
    _check_parameters(clauses, values)
    mask = np.ones(len(subject.identifiers), dtype=bool)
    for clause in clauses:
        if clause.only_if is not None and not _holds(clause.only_if, subject.user, values):
            continue
        matches = _matches(clause.where, values, subject)
        mask &= matches if clause.action == "INCLUDE" else ~matches
    return mask


def _check_parameters(clauses: Sequence[Clause], values: Mapping[str, str]) -> None:
    if unknown := sorted(set(values) - parameters(clauses)):
        raise invalid(f"The filter has no parameter {unknown[0]}.")
    if missing := sorted(parameters(clauses, "INCLUDE") - set(values)):
        raise invalid(f"The filter needs a value for the parameter {missing[0]}.")


def _matches(where: Condition, values: Mapping[str, str], subject: Subject) -> Mask:
    """Which identifiers match a WHERE: a mask of shape (len(subject.identifiers),)."""
    if comparisons(where)[0].dataset.lower() == "interactions":
        rows = [{"EVENT_TYPE": kind} for _, kind in subject.events]
        names = {
            name for (name, _), row in zip(subject.events, rows, strict=True) if _holds(where, row, values)
        }
    else:
        names = {name for name, row in subject.rows.items() if _holds(where, row, values)}
    return np.fromiter((name in names for name in subject.identifiers), bool, len(subject.identifiers))


def _holds(condition: Condition | Comparison, row: Mapping[str, Any], values: Mapping[str, str]) -> bool:
    if isinstance(condition, Comparison):
        return _compare(condition, row, values)
    parts = (_holds(part, row, values) for part in condition.parts)
    return all(parts) if condition.join == "AND" else any(parts)


def _compare(comparison: Comparison, row: Mapping[str, Any], values: Mapping[str, str]) -> bool:
    actual = next((v for name, v in row.items() if name.upper() == comparison.field.upper()), None)
    operands = [value for operand in comparison.values for value in _resolved(operand, values)]
    if actual is None or not operands:
        return False
    if comparison.operator in OPERATORS:
        return _ordered(OPERATORS[comparison.operator], actual, operands[0])
    of_events = comparison.field.upper() == "EVENT_TYPE"
    parts = {part.lower() if of_events else part for part in str(actual).split("|")}
    expected = {_plain(value).lower() if of_events else _plain(value) for value in operands}
    matches = "*" in expected or bool(parts & expected) or _same_number(actual, operands)
    return matches if comparison.operator in ("=", "IN") else not matches


def _resolved(value: str | float | Parameter, values: Mapping[str, str]) -> list[str | float]:
    """The values of an operand.

    A request writes several values as `"Comedy","Drama"`. A parameter of EXCLUDE without a value matches
    nothing.
    """
    if not isinstance(value, Parameter):
        return [value]
    text = values.get(value.name)
    return list(next(csv.reader([text], skipinitialspace=True))) if text else []


def _plain(value: str | float) -> str:
    return f"{value:g}" if isinstance(value, float) else value


def _same_number(actual: Any, operands: list[str | float]) -> bool:
    return isinstance(actual, int | float) and any(_ordered(operator.eq, actual, value) for value in operands)


def _ordered(compare: Callable[[Any, Any], bool], actual: Any, operand: str | float) -> bool:
    try:
        return compare(float(actual), float(operand))
    except ValueError:
        return False
