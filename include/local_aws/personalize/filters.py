"""Filters at work: which items, or users, an answer may hold."""

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
        self._backend.parents("Filter", params)
        for clause in parse(params["filterExpression"]):
            self._check_fields(params["datasetGroupArn"], clause)
        return {"filterArn": self._backend["Filter"].create(dict(params), caller)}

    def _check_fields(self, group: str, clause: Clause) -> None:
        for one in comparisons(clause.where):
            dataset = self._backend.dataset(group, one.dataset)
            if dataset is None:
                raise invalid(f"The dataset group has no dataset of the type {one.dataset}.")
            known = {column.name.upper() for column in self._backend.schema(dataset).columns}
            if one.field.upper() not in known:
                raise invalid(f"The schema of {one.dataset} has no field {one.field}.")


@dataclass
class Subject:
    """What a filter is applied to.

    :param identifiers: of the items (or users) among which it chooses.
    :param rows: their metadata by identifier.
    :param user: the current user's metadata.
    :param events: identifier and type of what the current user did.
    """

    identifiers: Sequence[str]
    rows: Mapping[str, Mapping[str, Any]]
    user: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[tuple[str, str]] = ()


def allowed(expression: str, values: Mapping[str, str], subject: Subject) -> Mask:
    """One boolean for each identifier. Raises InvalidInputException for missing or unknown parameters."""
    clauses = parse(expression)
    _check_parameters(clauses, values)
    mask = np.ones(len(subject.identifiers), dtype=bool)
    for clause in clauses:
        if clause.only_if is not None and not _holds(clause.only_if, subject.user, values):
            continue
        found = _found(clause.where, values, subject)
        mask &= found if clause.action == "INCLUDE" else ~found
    return mask


def _check_parameters(clauses: Sequence[Clause], values: Mapping[str, str]) -> None:
    if unknown := sorted(set(values) - parameters(clauses)):
        raise invalid(f"The filter has no parameter {unknown[0]}.")
    if missing := sorted(parameters(clauses, "INCLUDE") - set(values)):
        raise invalid(f"The filter needs a value for the parameter {missing[0]}.")


def _found(where: Condition, values: Mapping[str, str], subject: Subject) -> Mask:
    """Which identifiers fit a WHERE."""
    if comparisons(where)[0].dataset.lower() == "interactions":
        done = [{"EVENT_TYPE": kind} for _, kind in subject.events]
        fits = {
            name for (name, _), row in zip(subject.events, done, strict=True) if _holds(where, row, values)
        }
    else:
        fits = {name for name, row in subject.rows.items() if _holds(where, row, values)}
    return np.fromiter((name in fits for name in subject.identifiers), bool, len(subject.identifiers))


def _holds(condition: Condition | Comparison, row: Mapping[str, Any], values: Mapping[str, str]) -> bool:
    if isinstance(condition, Comparison):
        return _compare(condition, row, values)
    parts = (_holds(part, row, values) for part in condition.parts)
    return all(parts) if condition.join == "AND" else any(parts)


def _compare(one: Comparison, row: Mapping[str, Any], values: Mapping[str, str]) -> bool:
    given = next((v for name, v in row.items() if name.upper() == one.field.upper()), None)
    wanted = [value for each in one.values for value in _resolved(each, values)]
    if given is None or not wanted:
        return False
    if one.operator in OPERATORS:
        return _ordered(OPERATORS[one.operator], given, wanted[0])
    of_events = one.field.upper() == "EVENT_TYPE"
    has = {part.lower() if of_events else part for part in str(given).split("|")}
    asked = {_plain(value).lower() if of_events else _plain(value) for value in wanted}
    found = "*" in asked or bool(has & asked) or _same_number(given, wanted)
    return found if one.operator in ("=", "IN") else not found


def _resolved(value: str | float | Parameter, values: Mapping[str, str]) -> list[str | float]:
    """A request writes several values as `"Comedy","Drama"`; a missing one fits nothing (EXCLUDE only)."""
    if not isinstance(value, Parameter):
        return [value]
    given = values.get(value.name)
    return list(next(csv.reader([given], skipinitialspace=True))) if given else []


def _plain(value: str | float) -> str:
    return f"{value:g}" if isinstance(value, float) else value


def _same_number(given: Any, wanted: list[str | float]) -> bool:
    return isinstance(given, int | float) and any(_ordered(operator.eq, given, value) for value in wanted)


def _ordered(compare: Callable[[Any, Any], bool], given: Any, wanted: str | float) -> bool:
    try:
        return compare(float(given), float(wanted))
    except ValueError:
        return False
