"""Answers of a trained version: which items or users, in which order, with which scores."""

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

LOADED = 16  # models in memory; they are mapped from disk
EXPLORATION = 0.3  # the service's default explorationWeight
RESULTS = 25  # the service's default numResults


@dataclass(frozen=True)
class Ask:
    """One question to a version.

    :param config: the campaign's (or the batch job's) itemExplorationConfig.
    :param filter: ARN of a filter.
    """

    user: str | None = None
    item: str | None = None
    items: Sequence[str] = ()
    results: int = RESULTS
    context: Mapping[str, str] = field(default_factory=dict)
    filter: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, str] = field(default_factory=dict)


Answer = list[tuple[str, float | None]]  # identifiers with their scores, None where the recipe gives none


class Serving:
    """Loaded models, by solution version or recommender."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._lock = threading.Lock()
        self._models: OrderedDict[str, Model] = OrderedDict()

    def model(self, arn: str) -> Model:
        """The model that was trained for a version or recommender."""
        folder = self._backend.storage.folder(arn) / "model"
        key = f"{arn} {(folder / 'model.json').stat().st_mtime_ns}"
        with self._lock:
            if key not in self._models:
                self._models[key] = Model.load(folder)
            self._models.move_to_end(key)
            while len(self._models) > LOADED:
                self._models.popitem(last=False)
            return self._models[key]

    def recommend(self, version: Document, arn: str, ask: Ask) -> Answer:
        """Items for a user, or like an item, by the version's recipe.

        :param version: solution version or recommender.
        :raises AwsError: InvalidInputException where the recipe needs what the question lacks.
        """
        recipe, model, group = RECIPES[version["recipeArn"]], self.model(arn), version["datasetGroupArn"]
        scores = self._scores(recipe, model, group, ask)
        mask = self._allowed(group, model, ask, model.item_ids)
        chosen = _best(np.where(mask, scores, -np.inf), ask.results)
        return [(str(model.item_ids[i]), float(scores[i]) if recipe.scores else None) for i in chosen]

    def rank(self, version: Document, arn: str, ask: Ask) -> Answer:
        """The given items in the order that suits the user; unknown ones at the end, with score 0."""
        recipe = RECIPES[version["recipeArn"]]
        if recipe.task != "ranking":
            raise invalid(f"The recipe {recipe.name} does not rank; use GetRecommendations.")
        model, group = self.model(arn), version["datasetGroupArn"]
        everything = model.for_user(self._history(model, group, ask), ask.context)
        codes = [model.item(name) for name in ask.items]
        scores = np.array([0.0 if code is None else everything[code] for code in codes])
        known = np.array([code is not None for code in codes], dtype=bool)
        mask = self._allowed(group, model, ask, np.array(ask.items, dtype=str))
        total = scores[mask].sum()
        scores = np.where(known & (total <= 0), 1 / max(1, known.sum()), scores / (total or 1))
        order = np.lexsort((np.arange(len(scores)), -scores, ~known))
        return [(ask.items[i], float(scores[i])) for i in order if mask[i]]

    def segment(self, version: Document, arn: str, ask: Ask, attributes: str = "") -> list[str]:
        """The users who care most for an item, or for the items with an attribute."""
        model, group = self.model(arn), version["datasetGroupArn"]
        wanted = np.zeros(len(model.item_ids))
        if attributes:
            rows = self._backend.rows(group, "Items")
            wanted[
                allowed(f"INCLUDE ItemID WHERE {attributes}", {}, Subject(model.item_ids.tolist(), rows))
            ] = 1
        elif (code := model.item(ask.item or "")) is not None:
            wanted[code] = 1
        scores = model.affinity(wanted)
        mask = self._allowed(group, model, ask, model.user_ids, kind="Users")
        chosen = _best(np.where(mask & (scores > 0), scores, -np.inf), ask.results)
        return [str(model.user_ids[user]) for user in chosen]

    def metadata(self, group: str, item: str, columns: Sequence[str]) -> dict[str, str]:
        """An item's metadata, for campaigns that answer them."""
        row = self._backend.rows(group, "Items").get(item, {})
        return {name: str(row[name]) for name in columns if row.get(name) is not None}

    # ---- parts

    def _scores(self, recipe: Recipe, model: Model, group: str, ask: Ask) -> Scores:
        if recipe.task == "items":
            if ask.item is None:
                raise invalid("itemId is required for this recipe.")
            code = model.item(ask.item)
            return model.popular() if code is None else model.like(code)
        if recipe.task in ("popular", "trending"):
            return model.popular() if recipe.task == "popular" else model.trend
        if ask.user is None:
            raise invalid("userId is required for this recipe.")
        scores = model.for_user(self._history(model, group, ask), ask.context)
        if recipe.task == "cold":
            return model.new_items(scores)
        explores = recipe.task == "users" and recipe.name == "aws-user-personalization"
        return (
            model.explored(scores, float(ask.config.get("explorationWeight", EXPLORATION)))
            if explores
            else scores
        )

    def _history(self, model: Model, group: str, ask: Ask) -> list[int]:
        """What the user did, newest first: events since the training, then what the model remembers."""
        user = ask.user or ""
        fresh = [model.item(item) for item, _ in self._backend.storage.newest_events(group, user)]
        return [code for code in fresh if code is not None] + [int(code) for code in model.history(user)[0]]

    def _allowed(
        self, group: str, model: Model, ask: Ask, identifiers: Any, kind: str = "Items"
    ) -> NDArray[np.bool_]:
        if ask.filter is None:
            return np.ones(len(identifiers), dtype=bool)
        expression = self._backend["Filter"].active(ask.filter)["filterExpression"]
        user = ask.user or ""
        items, types = model.history(user)
        remembered = [
            (str(model.item_ids[item]), model.type_names[kind] if kind >= 0 else "")
            for item, kind in zip(items, types, strict=True)
        ]
        subject = Subject(
            identifiers,
            self._backend.rows(group, kind),
            user=self._backend.rows(group, "Users").get(user, {}),
            events=[*self._backend.storage.newest_events(group, user), *remembered],
        )
        return allowed(expression, ask.values, subject)


def _best(scores: Scores, most: int) -> NDArray[np.int64]:
    """Places of the largest scores that are allowed, best first; equal ones in the order of their places."""
    most = min(most, len(scores))
    if most < len(scores):
        limit = np.partition(scores, -most)[-most] if most else np.inf
        places = np.flatnonzero(scores >= limit)
    else:
        places = np.arange(len(scores))
    places = places[np.lexsort((places, -scores[places]))][:most]
    return places[np.isfinite(scores[places])]
