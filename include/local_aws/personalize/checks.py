"""What a client sends, checked by type and range at the door: nothing accepted may fail a later training.

Every function raises InvalidInputException, which names the member and what was expected.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from include.local_aws.personalize.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.local_aws.personalize.recipes import Recipe
    from include.local_aws.personalize.schemas import Column

ID_CHARACTERS, CATEGORY_CHARACTERS = 256, 1000
LATEST = 100_000_000_000  # seconds: the year 5138; larger numbers are milliseconds
FLOAT32 = 3.4028235e38
WHOLE = {"int": 2**31 - 1, "long": 2**63 - 1}
TIMES = ("TIMESTAMP", "CREATION_TIMESTAMP")
IDS = ("USER_ID", "ITEM_ID")
# hyperparameters with their ranges (developer guide, the recipe's page); `true` and `false` are texts there
HYPERPARAMETERS: dict[str, tuple[type, float, float] | tuple[str, ...]] = {
    "hidden_dimension": (int, 32, 256),
    "bptt": (int, 2, 32),
    "recency_mask": ("true", "false"),
    "exclude_seen": ("true", "false"),
    "min_user_history_length_percentile": (float, 0.0, 1.0),
    "max_user_history_length_percentile": (float, 0.0, 1.0),
    "popularity_discount_factor": (float, 0.0, 1.0),
    "min_cointeraction_count": (int, 0, 10),
    "cold_start_max_interactions": (int, 1, math.inf),
    "cold_start_max_duration": (float, 0.0, math.inf),
    "cold_start_relative_from": ("latestItem", "currentTime"),
    "trend_discovery_frequency": (
        "30 minutes",
        "1 hour",
        "2 hours",
        "3 hours",
        "6 hours",
        "12 hours",
        "1 day",
    ),
}


def identifier(name: str, value: Any) -> str:
    """An identifier of a user or item: a text of 1 to 256 characters."""
    if not isinstance(value, str) or not 1 <= len(value) <= ID_CHARACTERS:
        raise invalid(f"{name} has to be a text of 1 to {ID_CHARACTERS} characters, not {_shown(value)}.")
    return _text(name, value)


def _text(name: str, value: str) -> str:
    """A text that UTF-8 can hold: JSON can name half a character."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise invalid(f"{name} is no text in UTF-8: {error}") from error
    return value


def number(name: str, value: Any, least: float = -FLOAT32, most: float = FLOAT32) -> float:
    """A finite number of a range, also as text."""
    try:
        parsed = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        parsed = math.nan
    if not (math.isfinite(parsed) and least <= parsed <= most):
        limits = "" if most == FLOAT32 else f" from {least:g} to {most:g}"
        raise invalid(f"{name} has to be a finite number{limits}, not {_shown(value)}.")
    return parsed


def whole(name: str, value: Any, least: float, most: float) -> int:
    """A whole number of a range, also as text."""
    parsed = number(name, value, least, most)
    if not parsed.is_integer():
        raise invalid(f"{name} has to be a whole number, not {_shown(value)}.")
    return int(value) if isinstance(value, int | str) and str(value).lstrip("+-").isdigit() else int(parsed)


def moment(name: str, value: Any) -> int:
    """A time in seconds since 1970."""
    return int(number(name, value, 0, LATEST))


def column_value(column: Column, value: Any, of: str) -> Any:
    """A property of an item or user, as the schema's column wants it.

    :param of: the identifier of the item or user, for the message.
    """
    name = f"{column.name} of {of}"
    if value is None:
        if not column.nullable:
            raise invalid(f"{name} is null, and the schema does not allow that.")
        return None
    if column.type in WHOLE:
        most = LATEST if column.name in TIMES else WHOLE[column.type]
        return whole(name, value, -most, most)
    if column.type in ("float", "double"):
        return number(name, value) if column.type == "float" else number(name, value, -1.7e308, 1.7e308)
    if column.type == "boolean":
        if isinstance(value, bool) or str(value).lower() in ("true", "false"):
            return str(value).lower() == "true"
        raise invalid(f"{name} has to be true or false, not {_shown(value)}.")
    if not isinstance(value, str):
        raise invalid(f"{name} has to be a text, not {_shown(value)}.")
    if column.categorical and len(value) > CATEGORY_CHARACTERS:
        raise invalid(f"{name} has more than {CATEGORY_CHARACTERS} characters.")
    return _text(name, value)


def hyperparameters(recipe: Recipe, requested: Mapping[str, Any]) -> None:
    """The hyperparameters of a solution."""
    for name, value in requested.items():
        if name not in recipe.defaults:
            raise invalid(f"The recipe {recipe.name} has no hyperparameter {name}.")
        _hyperparameter(name, value)


def _hyperparameter(name: str, value: Any) -> None:
    kind, *limits = HYPERPARAMETERS[name]
    if kind is int:
        whole(name, value, *limits)
    elif kind is float:
        number(name, value, *limits)
    elif str(value).lower() not in [str(option).lower() for option in HYPERPARAMETERS[name]]:
        options = ", ".join(map(str, HYPERPARAMETERS[name]))
        raise invalid(f"{name} has to be one of {options}, not {_shown(value)}.")


def search(recipe: Recipe, config: Mapping[str, Any]) -> None:
    """The ranges and the size of a search for hyperparameters."""
    ranges = config.get("algorithmHyperParameterRanges", {})
    for parameter in (entry for entries in ranges.values() for entry in entries):
        name = parameter.get("name", "")
        if name not in recipe.search_ranges:
            raise invalid(f"The recipe {recipe.name} does not search the hyperparameter {name}.")
        ends = parameter.get("values") or [parameter.get("minValue"), parameter.get("maxValue")]
        for end in ends:
            _hyperparameter(name, end)
        if "values" not in parameter and float(ends[0]) > float(ends[1]):
            raise invalid(f"The range of {name} begins at {ends[0]} and ends at {ends[1]}.")
    resources = config.get("hpoResourceConfig", {})
    for name in ("maxNumberOfTrainingJobs", "maxParallelTrainingJobs"):
        if name in resources:
            whole(name, resources[name], 1, 40)


def exploration(config: Mapping[str, Any]) -> None:
    """The configuration of a campaign or recommender: how much it explores."""
    explored = config.get("itemExplorationConfig", {})
    for name in explored:
        if name not in ("explorationWeight", "explorationItemAgeCutOff"):
            raise invalid(f"itemExplorationConfig has no member {name}.")
    if "explorationWeight" in explored:
        number("explorationWeight", explored["explorationWeight"], 0, 1)
    if "explorationItemAgeCutOff" in explored:
        number("explorationItemAgeCutOff", explored["explorationItemAgeCutOff"], 0, LATEST)


def _shown(value: Any) -> str:
    return repr(value)[:100]
