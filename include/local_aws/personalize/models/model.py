"""A trained model: arrays on disk, and the scores that follow from them.

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

RARE = 15  # interactions up to which an item is new (the service's cold_start_max_interactions)
RIDGE = 10.0
TINY = 1e-12  # keeps every new item possible
PRIOR = 20.0  # events that a context value needs to count as much as none at all


@dataclass(frozen=True)
class Settings:
    """What scores depend on besides the arrays.

    :param recency: weight of an event in relation to the next newer one of the user.
    :param length: events of a user that count.
    :param repeats: how often an event repeats an item of the user's history, 0 to 1.
    :param rare: interactions up to which an item is new.
    """

    recency: float = 0.9
    length: int = 32
    repeats: float = 0.0
    rare: int = RARE


@dataclass
class Model:
    """Everything that recommendations need.

    :param weights: items × items, how strongly an event with the row's item leads to the column's.
    :param popularity: interactions by item.
    :param trend: growth of popularity by item.
    :param starts: where each user's history begins in `history_items`; one more than users.
    :param history_items: item codes of all users, each user's newest first.
    :param history_types: event type codes beside them.
    :param features: items × metadata values, 1 where the item has the value.
    :param inverse: (XᵀX + 10)⁻¹ of the features X of items that are not new: the ridge regression from
        metadata to scores (Hoerl and Kennard 1970), solved for whatever scores a user gives.
    :param lifts: by column, its values and items × values: interactions with the value.
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
        """The code of an item; None for one that was not there at training."""
        return _find(self.item_ids, identifier)

    def history(self, identifier: str) -> tuple[Codes, Codes]:
        """Item and type codes of a user, newest first; empty for one that was not there at training."""
        user = _find(self.user_ids, identifier)
        part = slice(0, 0) if user is None else slice(self.starts[user], self.starts[user + 1])
        return self.history_items[part], self.history_types[part]

    # ---- scores; each is one number per item, larger is better

    def popular(self) -> Scores:
        """The share of each item in all interactions."""
        return _shares(self.popularity.astype(float))

    def for_user(self, items: Sequence[int] | Codes, context: Mapping[str, str] | None = None) -> Scores:
        """Probability of each item to come next; the popular ones for a user without history."""
        scores = self.links(items) if len(items) else self.popular()
        for column, value in (context or {}).items():
            scores = scores * self._lift(column, value)
        return _shares(scores) if scores.any() else self.popular()

    def links(self, items: Sequence[int] | Codes) -> Scores:
        """What a history leads to: older items count less, its own items as often as items are repeated."""
        newest = np.fromiter(dict.fromkeys(int(item) for item in items), dtype=np.int64)
        counting = newest[: self.settings.length]
        strength = self.settings.recency ** np.arange(len(counting), dtype=np.float64)
        scores = np.zeros(len(self.item_ids))
        for item, factor in zip(counting, strength, strict=True):
            part = slice(self.weights.indptr[item], self.weights.indptr[item + 1])
            scores[self.weights.indices[part]] += factor * self.weights.data[part]
        scores[newest] *= self.settings.repeats
        return scores

    def like(self, item: int) -> Scores:
        """How much each item belongs with an item; its metadata speak where few interactions do."""
        scores = np.zeros(len(self.item_ids))
        part = slice(self.weights.indptr[item], self.weights.indptr[item + 1])
        scores[self.weights.indices[part]] = self.weights.data[part]
        alike = self._alike(item)
        trust = min(1.0, float(self.popularity[item]) / RARE)
        return trust * _shares(scores) + (1 - trust) * alike if alike.any() else scores

    def new_items(self, scores: Scores) -> Scores:
        """Probability of each new item: what its metadata let expect, given the scores of the other items."""
        new = self.popularity <= self.settings.rare
        known = np.where(new, 0.0, scores - scores[~new].mean() if (~new).any() else 0.0)
        guessed = self.features @ (self.inverse @ (self.features.T @ known))
        positive = np.where(new, guessed - guessed.min() + TINY, 0.0)
        return _shares(positive)

    def explored(self, scores: Scores, weight: float) -> Scores:
        """A share of the probability goes to new items: 0 none, 1 all."""
        return (1 - weight) * scores + weight * self.new_items(scores) if weight else scores

    def affinity(self, item_scores: Scores) -> Scores:
        """One number per user: how much what the user did leads to the items with a score."""
        leads = self.weights @ item_scores
        lengths = np.diff(self.starts)
        ranks = np.arange(len(self.history_items)) - np.repeat(self.starts[:-1], lengths)
        strength = np.where(
            ranks < self.settings.length, self.settings.recency ** np.minimum(ranks, 500), 0.0
        )
        users = np.repeat(np.arange(len(self.user_ids)), lengths)
        found = np.bincount(users, strength * leads[self.history_items], minlength=len(self.user_ids))
        return found.astype(np.float64)

    def _alike(self, item: int) -> Scores:
        row = self.features[[item]]
        if not row.nnz:
            return np.zeros(len(self.item_ids))
        shared = np.asarray((self.features @ row.T).todense()).ravel()
        either = self.features.sum(axis=1) + row.sum() - shared
        alike = shared / np.maximum(1, either)
        alike[item] = 0
        return _shares(alike)

    def _lift(self, column: str, value: str) -> Scores:
        """How much more often an item occurs with a value than it does at all."""
        values, counts = self.lifts.get(column, ([], None))
        if counts is None or value not in values:
            return np.ones(len(self.item_ids))
        with_value = np.asarray(counts[:, [values.index(value)]].todense()).ravel()
        expected = self.popularity * (with_value.sum() / max(1, self.popularity.sum()))
        lift: Scores = (with_value + PRIOR) / (expected + PRIOR)
        return lift

    # ---- on disk

    def save(self, folder: Path) -> None:
        """Write one file an array, so that loading maps them into memory."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name))
        _save(folder, "weights", self.weights)
        _save(folder, "features", self.features)
        for number, (_, counts) in enumerate(self.lifts.values()):
            _save(folder, f"lift{number}", counts)
        told = {"settings": asdict(self.settings), "types": self.type_names}
        told["lifts"] = {column: values for column, (values, _) in self.lifts.items()}
        (folder / "model.json").write_text(json.dumps(told))

    @classmethod
    def load(cls, folder: Path) -> Model:
        told: dict[str, Any] = json.loads((folder / "model.json").read_text())
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS}
        lifts = {
            column: (values, _load(folder, f"lift{number}"))
            for number, (column, values) in enumerate(told["lifts"].items())
        }
        return cls(
            settings=Settings(**told["settings"]),
            weights=_load(folder, "weights"),
            features=_load(folder, "features"),
            type_names=told["types"],
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
    place = int(np.searchsorted(identifiers, identifier))
    return place if place < len(identifiers) and identifiers[place] == identifier else None


def _shares(scores: Scores) -> Scores:
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
