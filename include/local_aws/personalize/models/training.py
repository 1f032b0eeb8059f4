"""Training as a process of its own: `python -m include.local_aws.personalize.models.training <folder>`.

The folder holds `request.json`; the process leaves `model/` and `result.json` there. What the service tells
of a failed training stands in the result as `error`.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
from scipy import sparse

from include.local_aws.personalize.models import transitions
from include.local_aws.personalize.models.interactions import Interactions, NotEnoughData, Selection, load
from include.local_aws.personalize.models.metrics import CUTOFFS, offline
from include.local_aws.personalize.models.model import RARE, RIDGE, Model, Settings
from include.local_aws.personalize.models.transitions import Weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import optuna
    from numpy.typing import NDArray

TEST_SHARE, TRUTH_SHARE = 0.1, 0.1  # of users; of a test user's events, the newest
MOST_TEST_USERS = 2000
KEPT = 200  # events of a user that a model remembers
RANKED = 50  # popular items that the test of a ranking orders
TREND_SHARE = 0.1  # of all time: the period that trends are seen in
SEGMENT_TRUTH = 0.2
BINS = 10
MOST_VALUES = 2000
SEED = 1729


@dataclass(frozen=True)
class Request:
    """What to train.

    :param task: of the recipe (`recipes.Task`).
    :param hyperparameters: all of the recipe's, as text.
    :param search: hyperparameters to search: name → kind and bounds or values; empty: none.
    :param trials: of the search.
    :param thresholds: see `Selection`.
    :param columns: the user's own columns of interactions.
    :param items: Parquet file of items, with its categorical and its numeric columns.
    """

    task: str
    hyperparameters: dict[str, str]
    interactions: list[str]
    thresholds: dict[str, float | None]
    columns: list[str]
    items: str = ""
    item_columns: tuple[str, ...] = ()
    item_numbers: tuple[str, ...] = ()
    search: Mapping[str, Any] = field(default_factory=dict)
    trials: int = 8


def train(request: Request) -> tuple[Model, dict[str, float], dict[str, str]]:
    """A model of all interactions; metrics of one that saw nine tenths of the users; hyperparameters used.

    :raises NotEnoughData: see `interactions.load`.
    """
    names, features = _features(request)
    selection = Selection(request.thresholds, tuple(request.columns))
    data = load(map(Path, request.interactions), selection, names)
    tested = _tested(data)
    power = 0.0 if request.task == "items" else 0.5
    seen = data.take(~np.isin(data.users, tested))
    counts = transitions.count(seen, distance_power=power)
    small = _model(request, seen, counts, (names, features))
    values = _search(request, small, counts, data, tested)
    small = _tuned(small, counts, request.task, values)
    metrics = offline(_answers(request.task, small, data, tested), len(data.item_ids))
    counts = counts + transitions.count(data.take(np.isin(data.users, tested)), distance_power=power)
    return (
        _tuned(_model(request, data, counts, (names, features)), counts, request.task, values),
        metrics,
        values,
    )


# ---- the parts of a model


def _model(
    request: Request,
    data: Interactions,
    counts: sparse.csr_array,
    metadata: tuple[list[str], sparse.csr_array],
) -> Model:
    """A model whose weights are still to be made by `_tuned`."""
    number = len(data.item_ids)
    starts, items, types = _histories(data)
    rows = np.searchsorted(data.item_ids, metadata[0]) if metadata[0] else np.zeros(0, int)
    order = sparse.coo_array((np.ones(len(rows)), (rows, np.arange(len(rows)))), shape=(number, len(rows)))
    features = (order.tocsr() @ metadata[1]).tocsr()
    lifts = {
        name: (values, _lifts(data, codes, len(values))) for name, (codes, values) in data.contexts.items()
    }
    return Model(
        settings=Settings(repeats=_repeats(data)),
        item_ids=data.item_ids,
        user_ids=data.user_ids,
        weights=counts,
        popularity=np.bincount(data.items, minlength=number),
        trend=_trend(data),
        starts=starts,
        history_items=items,
        history_types=types,
        type_names=data.type_names,
        features=features,
        inverse=np.zeros((0, 0)),
        lifts=lifts,
    )


def _tuned(model: Model, counts: sparse.csr_array, task: str, values: Mapping[str, str]) -> Model:
    """The model with what its hyperparameters say (docs/personalize.md tells how they are read)."""
    how = Weights(neighbours=4 * int(values.get("hidden_dimension", 149)))
    if task == "items":
        discount = float(values.get("popularity_discount_factor", 0.5))
        fewest = float(values.get("min_cointeraction_count", 3))
        how = replace(how, backward=1.0, target=discount, fewest=fewest)
    settings = replace(
        model.settings,
        recency=0.9 if values.get("recency_mask", "true") == "true" else 1.0,
        length=int(values.get("bptt", 32)),
        rare=int(values.get("cold_start_max_interactions", RARE)),
        repeats=0.0 if values.get("exclude_seen") == "true" else model.settings.repeats,
    )
    known = model.features[model.popularity > settings.rare]
    ridge = (known.T @ known).toarray() + RIDGE * np.eye(known.shape[1])
    weights = transitions.weigh(counts, model.popularity, how)
    return replace(model, settings=settings, weights=weights, inverse=np.linalg.inv(ridge))


def _features(request: Request) -> tuple[list[str], sparse.csr_array]:
    """Items of the items dataset, and which metadata values each has.

    Categories may be several, with | between; numbers become one of ten bins with equally many items.
    """
    if not request.items:
        return [], sparse.csr_array((0, 1))
    table = pq.read_table(request.items)
    names = table.column("ITEM_ID").to_pylist()
    rows, values = list[int](), list[tuple[str, str]]()
    for column in request.item_columns:
        for row, text in enumerate(table.column(column).to_pylist()):
            for value in text.split("|") if text else ():
                rows.append(row)
                values.append((column, value))
    for column in request.item_numbers:
        numbers = np.array([np.nan if x is None else float(x) for x in table.column(column).to_pylist()])
        known = np.flatnonzero(~np.isnan(numbers))
        inner = np.linspace(0, 1, BINS + 1)[1:-1]
        edges: NDArray[np.float64] = np.unique(np.quantile(numbers[known], inner))
        rows += known.tolist()
        values += [(column, str(place)) for place in np.searchsorted(edges, numbers[known], side="right")]
    return names, _matrix(rows, values, len(names))


def _matrix(rows: list[int], values: list[tuple[str, str]], height: int) -> sparse.csr_array:
    """Rows × values, 1 where the row has the value; the most frequent values where there are very many."""
    kept = {value: code for code, (value, _) in enumerate(Counter(values).most_common(MOST_VALUES))}
    pairs = {(row, kept[value]) for row, value in zip(rows, values, strict=True) if value in kept}
    places = np.array(sorted(pairs), dtype=int).reshape(-1, 2).T
    shape = (height, max(1, len(kept)))
    return sparse.coo_array((np.ones(len(pairs)), (places[0], places[1])), shape=shape).tocsr()


def _histories(data: Interactions) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """Each user's newest events, newest first."""
    starts = data.starts
    lengths = np.minimum(np.diff(starts), KEPT)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    places = np.repeat(starts[1:] - 1, lengths) - (np.arange(ends[-1]) - np.repeat(ends[:-1], lengths))
    return ends, data.items[places], data.types[places]


def _repeats(data: Interactions) -> float:
    """How often an event is of an item that its user had before."""
    pairs = data.users.astype(np.int64) * len(data.item_ids) + data.items
    pairs.sort()
    return 1 - (1 + int((np.diff(pairs) != 0).sum())) / len(pairs) if len(pairs) else 0.0


def _trend(data: Interactions) -> NDArray[np.float64]:
    """Newest period in relation to the one before, damped where there are few events."""
    number, newest = len(data.item_ids), int(data.times.max())
    period = max(1, int((newest - int(data.times.min())) * TREND_SHARE))
    age = (newest - data.times) // period
    now = np.bincount(data.items[age == 0], minlength=number)
    before = np.bincount(data.items[age == 1], minlength=number)
    return np.asarray((now - before) / np.sqrt(before + 10.0) + now * 1e-9)


def _lifts(data: Interactions, codes: NDArray[np.int32], values: int) -> sparse.csr_array:
    known = codes >= 0
    ones, shape = np.ones(int(known.sum())), (len(data.item_ids), max(1, values))
    return sparse.coo_array((ones, (data.items[known], codes[known])), shape=shape).tocsr()


# ---- the test


def _tested(data: Interactions) -> NDArray[np.int64]:
    """The users of the test: a tenth of those with two events or more."""
    able = np.flatnonzero(np.diff(data.starts) >= 2)
    number = min(MOST_TEST_USERS, max(1, round(len(able) * TEST_SHARE)))
    return np.sort(np.random.default_rng(SEED).choice(able, number, replace=False))


def _answers(
    task: str, model: Model, data: Interactions, tested: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], set[int]]]:
    """For each user of the test what the model recommends after the older events, and the newer ones."""
    share, starts = SEGMENT_TRUTH if task == "segments" else TRUTH_SHARE, data.starts
    for user in tested:
        items = data.items[starts[user] : starts[user + 1]]
        split = len(items) - max(1, round(len(items) * share))
        scores = scores_of(task, model, items[:split][::-1])
        yield np.argsort(-scores, kind="stable")[: max(CUTOFFS)], set(items[split:].tolist())


def scores_of(task: str, model: Model, newest_first: NDArray[np.int32]) -> NDArray[np.float64]:
    """What a recipe's model gives a user with a history, one number per item."""
    if task == "popular":
        return model.popular()
    if task == "trending":
        return model.trend
    if task == "items":
        return model.like(int(newest_first[0]))
    scores = model.for_user(newest_first)
    if task == "cold":
        return model.new_items(scores)
    if task == "ranking":
        ranked = np.argsort(-model.popularity, kind="stable")[:RANKED]
        return np.where(np.isin(np.arange(len(scores)), ranked), scores, -1.0)
    return scores


def _search(
    request: Request, model: Model, counts: sparse.csr_array, data: Interactions, tested: NDArray[np.int64]
) -> dict[str, str]:
    """The hyperparameters: as given, or the best of a search on an inner split of the users that train."""
    given = dict(request.hyperparameters)
    if not request.search:
        return given
    import optuna  # two seconds that only a search pays

    others = np.setdiff1d(np.flatnonzero(np.diff(data.starts) >= 2), tested)
    judged = np.random.default_rng(SEED).choice(others, min(500, len(others)), replace=False)

    def objective(trial: optuna.Trial) -> float:
        tried = {name: str(_suggest(trial, name, *bounds)) for name, bounds in request.search.items()}
        values = given | tried
        trial.set_user_attr("values", values)
        answers = _answers(request.task, _tuned(model, counts, request.task, values), data, judged)
        return offline(answers, len(data.item_ids))["precision_at_25"]

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=SEED))
    study.optimize(objective, n_trials=request.trials)
    best: dict[str, str] = study.best_trial.user_attrs["values"]
    return best


def _suggest(trial: optuna.Trial, name: str, kind: str, *bounds: Any) -> Any:
    if kind == "categorical":
        return trial.suggest_categorical(name, bounds)
    low, high = bounds
    return trial.suggest_int(name, low, high) if kind == "integer" else trial.suggest_float(name, low, high)


def main(folder: Path) -> int:
    request = Request(**json.loads((folder / "request.json").read_text()))
    started = time.monotonic()
    try:
        model, metrics, values = train(request)
    except NotEnoughData as error:
        (folder / "result.json").write_text(json.dumps({"error": str(error)}))
        return 1
    model.save(folder / "model")
    result = {"metrics": metrics, "hyperparameters": values, "seconds": time.monotonic() - started}
    (folder / "result.json").write_text(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
