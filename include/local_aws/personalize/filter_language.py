"""Filter expressions: from text to a tree (developer guide, "Filter expression structure and elements").

parse('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("watched")')
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from lark import Lark, Transformer, v_args
from lark.exceptions import UnexpectedInput, VisitError

from include.local_aws.personalize.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

GRAMMAR = r"""
start: clause ("|" clause)*
clause: ACTION SUBJECT "WHERE"i any ["IF"i any]
any: all ("OR"i all)*
all: one ("AND"i one)*
?one: comparison | "(" any ")"
comparison: field OPERATOR value            -> compare
          | field "IN"i "(" values ")"      -> within
          | field "NOT"i "IN"i "(" values ")" -> without
field: NAME "." NAME
values: value ("," value)*
?value: text | number | parameter | star
text: ESCAPED_STRING | SINGLE
number: SIGNED_NUMBER
parameter: "$" NAME
star: "*"
ACTION: /include|exclude/i
SUBJECT: /itemid|userid/i
OPERATOR: "=" | "!=" | "<=" | ">=" | "<" | ">"
SINGLE: /'[^']*'/
NAME: /[A-Za-z_][A-Za-z0-9_]*/
%import common.ESCAPED_STRING
%import common.SIGNED_NUMBER
%import common.WS
%ignore WS
"""
MOST_FIELDS = 5


@dataclass(frozen=True)
class Parameter:
    """`$NAME`: a placeholder for a value of the request."""

    name: str


@dataclass(frozen=True)
class Comparison:
    """`dataset.field operator values`; the operators IN and NOT IN have several values."""

    dataset: str
    field: str
    operator: str
    values: tuple[str | float | Parameter, ...]


@dataclass(frozen=True)
class Condition:
    """Comparisons joined by AND or OR."""

    join: Literal["AND", "OR"]
    parts: tuple[Condition | Comparison, ...]


@dataclass(frozen=True)
class Clause:
    """One INCLUDE or EXCLUDE; with `only_if` it applies to users for whom that condition holds."""

    action: Literal["INCLUDE", "EXCLUDE"]
    subject: Literal["ItemID", "UserID"]
    where: Condition
    only_if: Condition | None = None


@v_args(inline=True)
class _Tree(Transformer[Any, Any]):
    """From the parse tree to clauses: one method for each rule of the grammar."""

    def start(self, *clauses: Clause) -> tuple[Clause, ...]:
        return clauses

    def clause(self, action: str, subject: str, where: Condition, only_if: Condition | None) -> Clause:
        subjects: dict[str, Literal["ItemID", "UserID"]] = {"itemid": "ItemID", "userid": "UserID"}
        return Clause(action.upper(), subjects[subject.lower()], where, only_if)  # type: ignore[arg-type]

    def any(self, *parts: Condition) -> Condition:
        return parts[0] if len(parts) == 1 else Condition("OR", parts)

    def all(self, *parts: Any) -> Condition:
        return Condition("AND", parts)

    def field(self, dataset: str, name: str) -> tuple[str, str]:
        return str(dataset), str(name)

    def values(self, *values: Any) -> tuple[Any, ...]:
        return values

    def text(self, token: str) -> str:
        return str(token)[1:-1]

    def number(self, token: str) -> float:
        return float(token)

    def parameter(self, name: str) -> Parameter:
        return Parameter(str(name))

    def star(self) -> str:
        return "*"

    def compare(self, field: tuple[str, str], operator: str, value: Any) -> Comparison:
        return Comparison(*field, str(operator), (value,))

    def within(self, field: tuple[str, str], values: tuple[Any, ...]) -> Comparison:
        return Comparison(*field, "IN", values)

    def without(self, field: tuple[str, str], values: tuple[Any, ...]) -> Comparison:
        return Comparison(*field, "NOT IN", values)


_PARSER = Lark(GRAMMAR, parser="lalr", maybe_placeholders=True)


@cache
def parse(expression: str) -> tuple[Clause, ...]:
    """The clauses of an expression.

    :raises AwsError: InvalidInputException with the column where the expression is not valid, or with the
        rule that it breaks.
    """
    try:
        clauses: tuple[Clause, ...] = _Tree().transform(_PARSER.parse(expression))
    except UnexpectedInput as error:
        place = error.get_context(expression, 20).strip()
        raise invalid(f"The filter expression is not valid near column {error.column}: {place}") from error
    except VisitError as error:
        raise invalid(f"The filter expression is not valid: {error.orig_exc}") from error
    _check(clauses)
    return clauses


def comparisons(condition: Condition | None) -> list[Comparison]:
    """All comparisons below a condition."""
    if condition is None:
        return []
    nested = [[part] if isinstance(part, Comparison) else comparisons(part) for part in condition.parts]
    return [comparison for part in nested for comparison in part]


def parameters(clauses: Sequence[Clause], action: str = "") -> set[str]:
    """Names of the parameters of all clauses, or of the clauses with an action (INCLUDE, EXCLUDE)."""
    selected = [clause for clause in clauses if action in ("", clause.action)]
    conditions = [condition for clause in selected for condition in (clause.where, clause.only_if)]
    values = [
        value
        for condition in conditions
        for comparison in comparisons(condition)
        for value in comparison.values
    ]
    return {value.name for value in values if isinstance(value, Parameter)}


def _check(clauses: Sequence[Clause]) -> None:
    """The service's rules that the grammar does not express."""
    fields = set()
    for clause in clauses:
        if len({comparison.dataset.lower() for comparison in comparisons(clause.where)}) > 1:
            raise invalid("A filter expression uses one dataset: chain several expressions with |.")
        for comparison in comparisons(clause.where):
            if comparison.dataset.lower() not in ("items", "users", "interactions"):
                raise invalid(
                    f"Filter expressions know Items, Users and Interactions, not {comparison.dataset}."
                )
            if "*" in comparison.values and comparison.field.upper() != "EVENT_TYPE":
                raise invalid("The wildcard * is for EVENT_TYPE only.")
            fields.add((comparison.dataset.lower(), comparison.field.upper()))
        if any(comparison.dataset.lower() != "currentuser" for comparison in comparisons(clause.only_if)):
            raise invalid("What follows IF has to be about CurrentUser.")
    if len(fields) > MOST_FIELDS:
        raise invalid(f"A filter has at most {MOST_FIELDS} fields; this one has {len(fields)}.")
