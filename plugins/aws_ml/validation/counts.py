"""Whether there are enough rows to train on (developer guide, "Quotas")."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_ml.validation.faults import Faults
    from aws_ml.validation.schemas import Schema

FEWEST_INTERACTIONS, FEWEST_USERS = 1000, 25
MOST_TYPES = 10  # types of events and columns that the user adds, together
KEY = ("USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE")  # equal in all of these: the same interaction


class Counts:
    """Counts rows and, of interactions, what the minimums need; stops counting once they are reached.

    In memory: at most 1,000 interactions, and the users that occurred once until 25 users occurred twice.
    """

    def __init__(self, schema: Schema) -> None:
        self.rows = 0
        self._schema = schema
        self._interactions = schema.type == "Interactions"
        self._type = schema.place("EVENT_TYPE")
        self._key = [place for name in KEY if (place := schema.place(name)) is not None]
        self._user = self._key[0] if self._key else 0
        self._unique: set[tuple[str, ...]] = set()
        self._once: set[str] = set()
        self._twice: set[str] = set()
        self._types: set[str] = set()

    def add(self, rows: Sequence[Sequence[str]]) -> None:
        """Count rows, each with as many values as the schema has columns."""
        self.rows += len(rows)
        if not self._interactions:
            return
        for row in rows:
            if len(self._unique) >= FEWEST_INTERACTIONS and len(self._twice) >= FEWEST_USERS:
                break
            self._count(row)
        if self._type is not None and len(self._types) <= MOST_TYPES:
            self._types |= {row[self._type] for row in rows}

    def _count(self, row: Sequence[str]) -> None:
        if len(self._unique) < FEWEST_INTERACTIONS:
            self._unique.add(tuple(row[place] for place in self._key))
        if len(self._twice) < FEWEST_USERS:
            user = row[self._user]
            (self._twice if user in self._once else self._once).add(user)

    def check(self, faults: Faults, *, alone: bool) -> None:
        """Add a fault for each minimum that is not reached. Call it after the last row.

        :param alone: there will be no other rows to train on (a FULL import).
        """
        if not self.rows:
            faults.add("there are no rows")
        elif self._interactions:
            self._check_number(faults, alone)
            self._check_types(faults)

    def _check_number(self, faults: Faults, alone: bool) -> None:
        count, what = (len(self._unique), "different interactions") if alone else (self.rows, "interactions")
        if count < FEWEST_INTERACTIONS:
            faults.add(f"{count} {what}; expected {FEWEST_INTERACTIONS} at least")
        if alone and len(self._twice) < FEWEST_USERS:
            users = f"{len(self._twice)} users have two interactions or more"
            faults.add(f"{users}; expected {FEWEST_USERS} at least")

    def _check_types(self, faults: Faults) -> None:
        added = len(self._schema.metadata)
        if self._types and len(self._types) + added > MOST_TYPES:
            count = f"{len(self._types)} types of events or more and {added} columns of its own"
            faults.add(f"{count}; expected {MOST_TYPES} together at most")
