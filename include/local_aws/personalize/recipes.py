"""The recipes of Personalize as data: purpose, hyperparameters, kind of answer.

Names, types and default hyperparameters are those of the developer guide ("Choosing a recipe");
docs/personalize.md says how the local models use the hyperparameters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Task = Literal["users", "items", "ranking", "popular", "trending", "cold", "segments"]
Range = tuple[str, Any, Any]  # "integer" or "continuous" with its bounds, or "categorical" with the values

ARN = "arn:aws:personalize:::recipe/{name}"


@dataclass(frozen=True)
class Recipe:
    """One recipe.

    :param task: what its models answer: items for a user, items like an item, a ranking of a list ...
    :param kind: the service's recipeType.
    :param scores: whether answers have scores.
    :param batch: whether it supports batch inference jobs.
    :param search_ranges: hyperparameters of a search with their default ranges; empty: no HPO.
    :param domain: of a recommender; empty for recipes of solutions.
    :param metadata: whether it learns from the metadata of items.
    """

    name: str
    task: Task
    kind: str
    description: str
    scores: bool = False
    batch: bool = True
    defaults: dict[str, str] = field(default_factory=dict)
    search_ranges: dict[str, Range] = field(default_factory=dict)
    domain: str = ""
    metadata: bool = True

    @property
    def arn(self) -> str:
        """The ARN of the recipe."""
        return ARN.format(name=self.name)


SEQUENCE = {"hidden_dimension": "149", "bptt": "32", "recency_mask": "true"}
SEQUENCE_RANGES: dict[str, Range] = {
    "hidden_dimension": ("integer", 32, 256),
    "bptt": ("integer", 2, 32),
    "recency_mask": ("categorical", "true", "false"),
}
LENGTHS = {"min_user_history_length_percentile": "0.0", "max_user_history_length_percentile": "0.99"}
COLD = {"cold_start_max_interactions": "15", "cold_start_max_duration": "5.0"}
COLD |= {"cold_start_relative_from": "latestItem"}
RELATED = {"popularity_discount_factor": "0.5", "min_cointeraction_count": "3"}
RELATED_RANGES: dict[str, Range] = {
    "popularity_discount_factor": ("continuous", 0.0, 1.0),
    "min_cointeraction_count": ("integer", 0, 10),
}


def _users(name: str, description: str, **options: Any) -> Recipe:
    defaults = SEQUENCE | LENGTHS | options.pop("defaults", {})
    kind = options.pop("kind", "USER_PERSONALIZATION")
    return Recipe(
        name,
        "users",
        kind,
        description,
        scores=True,
        defaults=defaults,
        search_ranges=SEQUENCE_RANGES,
        **options,
    )


def _domain(domain: str, use: str, task: Task) -> Recipe:
    return Recipe(
        f"aws-{domain}-{use}", task, "DOMAIN", use.replace("-", " "), batch=False, domain=DOMAINS[domain]
    )


DOMAINS = {"vod": "VIDEO_ON_DEMAND", "ecomm": "ECOMMERCE"}
ALL = [
    _users("aws-user-personalization", "Items for a user, exploring new ones."),
    Recipe(
        *("aws-user-personalization-v2", "users", "USER_PERSONALIZATION"),
        "Items for a user from large catalogues.",
        scores=True,
        defaults={"exclude_seen": "false"},
    ),
    _users("aws-hrnn", "Items for a user (legacy).", metadata=False),
    _users("aws-hrnn-metadata", "Items for a user, with metadata (legacy)."),
    Recipe(
        *("aws-hrnn-coldstart", "cold", "USER_PERSONALIZATION", "New items for a user (legacy)."),
        scores=True,
        defaults=SEQUENCE | LENGTHS | COLD,
        search_ranges=SEQUENCE_RANGES,
    ),
    Recipe("aws-popularity-count", "popular", "USER_PERSONALIZATION", "The most popular items."),
    Recipe(
        *("aws-trending-now", "trending", "USER_PERSONALIZATION", "Items whose popularity grows fastest."),
        batch=False,
        defaults={"trend_discovery_frequency": "2 hours"},
    ),
    Recipe(
        *("aws-sims", "items", "RELATED_ITEMS", "Items that occur together with an item."),
        defaults=RELATED | LENGTHS,
        search_ranges=RELATED_RANGES,
        metadata=False,
    ),
    Recipe("aws-similar-items", "items", "RELATED_ITEMS", "Items like an item, metadata included."),
    Recipe(
        *(
            "aws-personalized-ranking",
            "ranking",
            "PERSONALIZED_RANKING",
            "The order of given items for a user.",
        ),
        scores=True,
        defaults=SEQUENCE | LENGTHS,
        search_ranges=SEQUENCE_RANGES,
    ),
    Recipe(
        *("aws-personalized-ranking-v2", "ranking", "PERSONALIZED_RANKING", "The order of given items."),
        scores=True,
    ),
    Recipe("aws-item-affinity", "segments", "USER_SEGMENTATION", "The users who care most for an item."),
    Recipe(
        *("aws-item-attribute-affinity", "segments", "USER_SEGMENTATION"),
        "The users who care most for an attribute of items.",
    ),
    _domain("vod", "top-picks", "users"),
    _domain("vod", "because-you-watched-x", "items"),
    _domain("vod", "more-like-x", "items"),
    _domain("vod", "most-popular", "popular"),
    _domain("vod", "trending-now", "trending"),
    _domain("ecomm", "recommended-for-you", "users"),
    _domain("ecomm", "customers-who-viewed-x-also-viewed", "items"),
    _domain("ecomm", "frequently-bought-together", "items"),
    _domain("ecomm", "popular-items-by-views", "popular"),
    _domain("ecomm", "popular-items-by-purchases", "popular"),
]
RECIPES = {recipe.arn: recipe for recipe in ALL}
