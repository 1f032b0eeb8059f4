"""Answers of a trained version: items or users with their scores, best first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from include.local_aws.personalize.errors import invalid
from include.local_aws.personalize.filters import Subject, allowed
from include.local_aws.personalize.models.model import Model
from include.local_aws.personalize.recipes import RECIPES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from include.local_aws.personalize.backend import Backend
    from include.local_aws.personalize.recipes import Recipe
    from include.local_aws.state import Document

    Scores = NDArray[np.float64]

LOADED = 16  # models in memory; their arrays are memory-mapped
EXPLORATION = 0.3  # the service's default explorationWeight
RESULTS = 25  # the service's default numResults


@dataclass(frozen=True)
class Query:
    """One query of a version.

    :param items: the list to rank.
    :param results: how many answers.
    :param filter: ARN of a filter.
    :param values: of the filter's parameters.
    :param config: the campaign's (or the batch job's) itemExplorationConfig.
    """

    user: str | None = None
    item: str | None = None
    items: Sequence[str] = ()
    results: int = RESULTS
    context: Mapping[str, str] = field(default_factory=dict)
    filter: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, str] = field(default_factory=dict)


Answer = list[tuple[str, float | None]]  # identifiers with scores; None: the recipe has no scores


class Serving:
    """Loads models by solution version or recommender, and answers queries."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._lock = threading.Lock()
        self._models: OrderedDict[str, Model] = OrderedDict()

    def model(self, arn: str) -> Model:
        """The trained model of a version or recommender, from the cache or from disk.

        :raises OSError: when the model's files do not exist.
        """
        folder = self._backend.storage.folder(arn) / "model"
        key = f"{arn} {(folder / 'model.json').stat().st_mtime_ns}"
        with self._lock:
            if key not in self._models:
                self._models[key] = Model.load(folder)
            self._models.move_to_end(key)
            while len(self._models) > LOADED:
                self._models.popitem(last=False)
            return self._models[key]

    def recommend(self, version: Document, arn: str, query: Query) -> Answer:
        """Items for a user, or like an item, by the version's recipe.

        :param version: solution version or recommender.
        :param arn: ARN under which the model was trained.
        :raises AwsError: InvalidInputException when the query lacks the user or item that the recipe needs,
            or a parameter of the filter.
        """
        recipe, model, group = RECIPES[version["recipeArn"]], self.model(arn), version["datasetGroupArn"]
        scores = self._scores(recipe, model, group, query)
        mask = self._allowed(group, model, query, model.item_ids)
        best = _best(np.where(mask, scores, -np.inf), query.results)
        return [(str(model.item_ids[i]), float(scores[i]) if recipe.scores else None) for i in best]

    def rank(self, version: Document, arn: str, query: Query) -> Answer:
        """The query's items in the user's order; unknown items come last, with score 0.

        :raises AwsError: InvalidInputException for a recipe that does not rank, or a missing parameter of
            the filter.
        """
        recipe = RECIPES[version["recipeArn"]]
        if recipe.task != "ranking":
            raise invalid(f"The recipe {recipe.name} does not rank; use GetRecommendations.")
        model, group = self.model(arn), version["datasetGroupArn"]
        all_scores = model.for_user(self._history(model, group, query), query.context)
        codes = [model.item(name) for name in query.items]
        scores = np.array([0.0 if code is None else all_scores[code] for code in codes])
        is_known = np.array([code is not None for code in codes], dtype=bool)
        mask = self._allowed(group, model, query, np.array(query.items, dtype=str))
        total = scores[mask].sum()
        scores = np.where(is_known & (total <= 0), 1 / max(1, is_known.sum()), scores / (total or 1))
        order = np.lexsort((np.arange(len(scores)), -scores, ~is_known))
        return [(query.items[i], float(scores[i])) for i in order if mask[i]]

    def segment(self, version: Document, arn: str, query: Query, attributes: str = "") -> list[str]:
        """The users with the highest affinity to an item, or to the items with an attribute.

        :param attributes: a filter condition on items; empty: the query's item.
        :raises AwsError: InvalidInputException for a condition or filter that is not valid.
        """
        model, group = self.model(arn), version["datasetGroupArn"]
        item_weights = np.zeros(len(model.item_ids))
        if attributes:
            rows = self._backend.rows(group, "Items")
            item_weights[
                allowed(f"INCLUDE ItemID WHERE {attributes}", {}, Subject(model.item_ids.tolist(), rows))
            ] = 1
        elif (code := model.item(query.item or "")) is not None:
            item_weights[code] = 1
        scores = model.affinity(item_weights)
        mask = self._allowed(group, model, query, model.user_ids, kind="Users")
        best = _best(np.where(mask & (scores > 0), scores, -np.inf), query.results)
        return [str(model.user_ids[user]) for user in best]

    def metadata(self, group: str, item: str, columns: Sequence[str]) -> dict[str, str]:
        """The metadata of an item that a campaign returns."""
        row = self._backend.rows(group, "Items").get(item, {})
        return {name: str(row[name]) for name in columns if row.get(name) is not None}

    # ---- parts

    def _scores(self, recipe: Recipe, model: Model, group: str, query: Query) -> Scores:
        """One score for each item, shape (items,)."""
        if recipe.task == "items":
            if query.item is None:
                raise invalid("itemId is required for this recipe.")
            code = model.item(query.item)
            return model.popular() if code is None else model.like(code)
        if recipe.task in ("popular", "trending"):
            return model.popular() if recipe.task == "popular" else model.trend
        if query.user is None:
            raise invalid("userId is required for this recipe.")
        scores = model.for_user(self._history(model, group, query), query.context)
        if recipe.task == "cold":
            return model.new_items(scores)
        explores = recipe.task == "users" and recipe.name == "aws-user-personalization"
        return (
            model.with_exploration(scores, float(query.config.get("explorationWeight", EXPLORATION)))
            if explores
            else scores
        )

    def _history(self, model: Model, group: str, query: Query) -> list[int]:
        """Item codes of the user's events, newest first: those since the training, then the model's."""
        user = query.user or ""
        new_codes = [model.item(item) for item, _ in self._backend.storage.newest_events(group, user)]
        return [code for code in new_codes if code is not None] + [
            int(code) for code in model.history(user)[0]
        ]

    def _allowed(
        self, group: str, model: Model, query: Query, identifiers: Any, kind: str = "Items"
    ) -> NDArray[np.bool_]:
        """Which identifiers pass the query's filter, shape (len(identifiers),)."""
        if query.filter is None:
            return np.ones(len(identifiers), dtype=bool)
        expression = self._backend["Filter"].active(query.filter)["filterExpression"]
        user = query.user or ""
        items, types = model.history(user)
        trained_events = [
            (str(model.item_ids[item]), model.type_names[code] if code >= 0 else "")
            for item, code in zip(items, types, strict=True)
        ]
        subject = Subject(
            identifiers,
            self._backend.rows(group, kind),
            user=self._backend.rows(group, "Users").get(user, {}),
            events=[*self._backend.storage.newest_events(group, user), *trained_events],
        )
        return allowed(expression, query.values, subject)


def _best(scores: Scores, most: int) -> NDArray[np.int64]:
    """Indices of the `most` largest finite scores, best first; equal scores in the order of their indices."""
    most = min(most, len(scores))
    if most < len(scores):
        limit = np.partition(scores, -most)[-most] if most else np.inf
        indices = np.flatnonzero(scores >= limit)
    else:
        indices = np.arange(len(scores))
    indices = indices[np.lexsort((indices, -scores[indices]))][:most]
    return indices[np.isfinite(scores[indices])]
