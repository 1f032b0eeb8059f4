"""Small datasets of films, good ones and almost good ones."""

from __future__ import annotations

import copy
from typing import Any

from include.use_cases.movie_recommendations.use_case import MOVIES


def schema(kind: str, **fields: dict[str, Any] | None) -> dict[str, Any]:
    """The schema of the movie workflow; a field is changed, added or, with None, left out."""
    record: dict[str, Any] = copy.deepcopy(MOVIES.avro(kind))
    named = {field["name"]: field for field in record["fields"]}
    for name, change in fields.items():
        named[name] = {"name": name, **named.get(name, {}), **(change or {})}
    return {**record, "fields": [f for n, f in named.items() if fields.get(n, {}) is not None]}


HEADER = "USER_ID,ITEM_ID,EVENT_VALUE,TIMESTAMP,EVENT_TYPE"
ROWS = [f"{n % 60},{n % 97},4.0,{880000000 + n},RATING" for n in range(1200)]
FILMS = [f"{n},Drama|Crime,{880000000 + n}" for n in range(30)]
ITEM_HEADER = "ITEM_ID,GENRE,CREATION_TIMESTAMP"


def table(rows: list[str], header: str = HEADER) -> str:
    return "\n".join([header, *rows]) + "\n"


def with_row(row: str) -> str:
    """Good interactions but for one row, on line 11."""
    return table([*ROWS[:9], row, *ROWS[10:]])


def film(row: str) -> str:
    """Good items but for one row, on line 3."""
    return table([FILMS[0], row, *FILMS[2:]], ITEM_HEADER)
