"""A trained model: arrays on disk, and the scores computed from them.

model = Model.load(folder)
probabilities = model.for_user(model.history("42")[0])      # one per item of model.item_ids
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Scores = NDArray[np.float64]
    Codes = NDArray[np.int32]

RARE = 15  # an item with at most so many interactions is new (the service's cold_start_max_interactions)
RIDGE = 10.0  # weight of the penalty in the ridge regression
TINY = 1e-12  # so that no new item has probability 0
PRIOR = 20.0  # pseudo-count that pulls the lift of a rare context value towards 1


@dataclass(frozen=True)
class Settings:
    """The numbers that scores depend on besides the arrays.

    :param recency: weight of an event relative to the user's next newer event.
    :param length: number of a user's newest events that count.
    :param repeats: share of events with an item that the user had before, 0 to 1.
    :param rare: an item with at most so many interactions is new.
    """

    recency: float = 0.9
    length: int = 32
    repeats: float = 0.0
    rare: int = RARE


@dataclass
class Model:
    """All data of recommendations.

    :param item_ids: shape (items,): identifiers in string order; the index is the item's code.
    :param user_ids: shape (users,): identifiers in string order.
    :param weights: shape (items, items): how strongly an event with the row's item leads to the column's.
    :param popularity: shape (items,): number of interactions.
    :param trend: shape (items,): growth of popularity.
    :param starts: shape (users + 1,): index of each user's first event in `history_items`.
    :param history_items: shape (events,): item codes of all users, each user's newest first.
    :param history_types: shape (events,): event type codes of the same events.
    :param features: shape (items, metadata values): 1 where the item has the value.
    :param inverse: shape (metadata values, metadata values): (XᵀX + 10·I)⁻¹ with the features X of the items
        that are not new. It solves the ridge regression from metadata to the scores of any user
        (Hoerl and Kennard 1970).
    :param lifts: for each context column its values and a matrix of shape (items, values): the number of
        interactions with the value.
    """

    settings: Settings
    item_ids: NDArray[np.str_]
    user_ids: NDArray[np.str_]
    weights: sparse.csr_array
    popularity: NDArray[np.int64]
    trend: NDArray[np.float64]
    starts: NDArray[np.int64]
    history_items: Codes
    history_types: Codes
    type_names: list[str]
    features: sparse.csr_array
    inverse: NDArray[np.float64]
    lifts: dict[str, tuple[list[str], sparse.csr_array]] = field(default_factory=dict)

    # ---- looking up

    def item(self, identifier: str) -> int | None:
        """The code of an item; None for an item that the training data did not have."""
        return _find(self.item_ids, identifier)

    def history(self, identifier: str) -> tuple[Codes, Codes]:
        """Item and type codes of a user's events, both (events,), newest first; empty for a new user."""
        user = _find(self.user_ids, identifier)
        part = slice(0, 0) if user is None else slice(self.starts[user], self.starts[user + 1])
        return self.history_items[part], self.history_types[part]

    # ---- scores: shape (items,), larger is better

    def popular(self) -> Scores:
        """The share of each item in all interactions, shape (items,)."""
        return _shares(self.popularity.astype(float))

    def for_user(self, items: Sequence[int] | Codes, context: Mapping[str, str] | None = None) -> Scores:
        """Probability that each item comes next, shape (items,); popularity for a user without history.

        :param items: item codes of the user's events, newest first.
        :param context: values of context columns.
        """
        scores = self.links(items) if len(items) else self.popular()
        for column, value in (context or {}).items():
            scores = scores * self._lift(column, value)
        return _shares(scores) if scores.any() else self.popular()

    def links(self, items: Sequence[int] | Codes) -> Scores:
        """Scores of a history, shape (items,): Σₖ recencyᵏ · weights[itemₖ], k = 0 for the newest item.

        The scores of the history's own items are multiplied by `Settings.repeats`.

        :param items: item codes, newest first; of equal codes the newest counts.
        """
        newest = np.fromiter(dict.fromkeys(int(item) for item in items), dtype=np.int64)
        counted = newest[: self.settings.length]
        strength = self.settings.recency ** np.arange(len(counted), dtype=np.float64)
        scores = np.zeros(len(self.item_ids))
        for item, factor in zip(counted, strength, strict=True):
            part = slice(self.weights.indptr[item], self.weights.indptr[item + 1])
            scores[self.weights.indices[part]] += factor * self.weights.data[part]
        scores[newest] *= self.settings.repeats
        return scores

    def like(self, item: int) -> Scores:
        """Similarity of each item to an item, shape (items,).

        A mean of the item's weights and of the similarity of metadata; the fewer interactions the item has,
        the more metadata count.
        """
        scores = np.zeros(len(self.item_ids))
        part = slice(self.weights.indptr[item], self.weights.indptr[item + 1])
        scores[self.weights.indices[part]] = self.weights.data[part]
        similarity = self._metadata_similarity(item)
        trust = min(1.0, float(self.popularity[item]) / RARE)
        return trust * _shares(scores) + (1 - trust) * similarity if similarity.any() else scores

    def new_items(self, scores: Scores) -> Scores:
        """Probability of each new item, shape (items,), predicted from metadata.

        A ridge regression from metadata to the scores of the other items predicts those of the new items.
        """
        new = self.popularity <= self.settings.rare
        residuals = np.where(new, 0.0, scores - scores[~new].mean() if (~new).any() else 0.0)
        predicted = self.features @ (self.inverse @ (self.features.T @ residuals))
        positive = np.where(new, predicted - predicted.min() + TINY, 0.0)
        return _shares(positive)

    def with_exploration(self, scores: Scores, weight: float) -> Scores:
        """Scores with exploration, shape (items,): the share `weight` (0 to 1) goes to new items."""
        return (1 - weight) * scores + weight * self.new_items(scores) if weight else scores

    def affinity(self, item_scores: Scores) -> Scores:
        """Affinity of each user to some items, shape (users,): Σₖ recencyᵏ · (weights @ item_scores)[itemₖ].

        :param item_scores: shape (items,): 1 for the items in question, 0 for the others.
        """
        leads = self.weights @ item_scores
        lengths = np.diff(self.starts)
        ranks = np.arange(len(self.history_items)) - np.repeat(self.starts[:-1], lengths)
        strength = np.where(
            ranks < self.settings.length, self.settings.recency ** np.minimum(ranks, 500), 0.0
        )
        users = np.repeat(np.arange(len(self.user_ids)), lengths)
        affinities = np.bincount(users, strength * leads[self.history_items], minlength=len(self.user_ids))
        return affinities.astype(np.float64)

    def _metadata_similarity(self, item: int) -> Scores:
        """Jaccard similarity of metadata, |A ∩ B| / |A ∪ B|, of each item to an item, shape (items,)."""
        row = self.features[[item]]
        if not row.nnz:
            return np.zeros(len(self.item_ids))
        shared = np.asarray((self.features @ row.T).todense()).ravel()
        union = self.features.sum(axis=1) + row.sum() - shared
        similarity = shared / np.maximum(1, union)
        similarity[item] = 0
        return _shares(similarity)

    def _lift(self, column: str, value: str) -> Scores:
        """Lift of each item by a context value, shape (items,): (n + 20) / (E + 20).

        n is the number of the item's interactions with the value, E the number expected if item and value
        were independent (lift: Brin et al. 1997); the pseudo-count 20 is our own choice.
        """
        values, counts = self.lifts.get(column, ([], None))
        if counts is None or value not in values:
            return np.ones(len(self.item_ids))
        with_value = np.asarray(counts[:, [values.index(value)]].todense()).ravel()
        expected = self.popularity * (with_value.sum() / max(1, self.popularity.sum()))
        lift: Scores = (with_value + PRIOR) / (expected + PRIOR)
        return lift

    # ---- on disk

    def save(self, folder: Path) -> None:
        """Write one file per array, so that `load` can map them into memory."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name))
        _save(folder, "weights", self.weights)
        _save(folder, "features", self.features)
        for number, (_, counts) in enumerate(self.lifts.values()):
            _save(folder, f"lift{number}", counts)
        description = {"settings": asdict(self.settings), "types": self.type_names}
        description["lifts"] = {column: values for column, (values, _) in self.lifts.items()}
        (folder / "model.json").write_text(json.dumps(description))

    @classmethod
    def load(cls, folder: Path) -> Model:
        """Read a model that `save` wrote; arrays are mapped into memory.

        :raises OSError: when a file does not exist.
        """
        description: dict[str, Any] = json.loads((folder / "model.json").read_text())
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS}
        lifts = {
            column: (values, _load(folder, f"lift{number}"))
            for number, (column, values) in enumerate(description["lifts"].items())
        }
        return cls(
            settings=Settings(**description["settings"]),
            weights=_load(folder, "weights"),
            features=_load(folder, "features"),
            type_names=description["types"],
            lifts=lifts,
            **arrays,
        )


PARTS = ("data", "indices", "indptr")
ARRAYS = [
    entry.name
    for entry in fields(Model)
    if entry.name not in ("settings", "weights", "features", "type_names", "lifts")
]


def _find(identifiers: NDArray[np.str_], identifier: str) -> int | None:
    """Index of an identifier in a sorted array, shape (identifiers,)."""
    place = int(np.searchsorted(identifiers, identifier))
    return place if place < len(identifiers) and identifiers[place] == identifier else None


def _shares(scores: Scores) -> Scores:
    """Scores divided by their sum, shape (items,)."""
    total = scores.sum()
    return scores / total if total > 0 else scores


def _save(folder: Path, name: str, matrix: sparse.csr_array) -> None:
    for part in PARTS:
        np.save(folder / f"{name}.{part}.npy", getattr(matrix, part))
    np.save(folder / f"{name}.shape.npy", np.array(matrix.shape))


def _load(folder: Path, name: str) -> sparse.csr_array:
    parts = [np.load(folder / f"{name}.{part}.npy", mmap_mode="r") for part in PARTS]
    shape = tuple(int(size) for size in np.load(folder / f"{name}.shape.npy"))
    return sparse.csr_array((parts[0], parts[1], parts[2]), shape=shape)
