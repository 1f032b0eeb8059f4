"""Training as a process of its own: `python -m include.local_aws.personalize.models.training <folder>`.

The process reads `request.json` in the folder and writes `model/` and `result.json` there. The reason of a
failed training is `error` in the result.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from include.local_aws.personalize.models import arrays, evaluation, transitions
from include.local_aws.personalize.models.interactions import Interactions, NotEnoughData, Selection, load
from include.local_aws.personalize.models.metrics import offline
from include.local_aws.personalize.models.model import RARE, RIDGE, Model, Settings
from include.local_aws.personalize.models.transitions import Weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    import optuna
    from numpy.typing import NDArray

SEED = 1729  # of the search


@dataclass(frozen=True)
class Request:
    """What to train.

    :param task: of the recipe (`recipes.Task`).
    :param hyperparameters: all hyperparameters of the recipe, as text.
    :param interactions: Parquet files.
    :param thresholds: see `Selection`.
    :param columns: metadata columns of interactions.
    :param items: Parquet file of items; empty: none.
    :param item_columns: its categorical columns.
    :param item_numbers: its numeric columns.
    :param search: hyperparameters to search: name → kind and bounds or values; empty: no search.
    :param trials: number of trials of the search.
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
    """A model of all interactions, its metrics, and its hyperparameters.

    The metrics are those of a model that is trained without the users of the test, a tenth of all users.

    :raises NotEnoughData: see `interactions.load`.
    """
    names, features = arrays.features(request.items, request.item_columns, request.item_numbers)
    selection = Selection(request.thresholds, tuple(request.columns))
    data = load(map(Path, request.interactions), selection, names)
    test_users = evaluation.test_users(data)
    power = 0.0 if request.task == "items" else 0.5
    training_data = data.take(~np.isin(data.users, test_users))
    counts = transitions.count(training_data, distance_power=power)
    test_model = _model(request, training_data, counts, (names, features))
    values = _search(request, test_model, counts, data, test_users)
    test_model = _with_weights(test_model, counts, request.task, values)
    metrics = offline(evaluation.answers(request.task, test_model, data, test_users), len(data.item_ids))
    counts = counts + transitions.count(data.take(np.isin(data.users, test_users)), distance_power=power)
    return (
        _with_weights(_model(request, data, counts, (names, features)), counts, request.task, values),
        metrics,
        values,
    )


def _model(
    request: Request,
    data: Interactions,
    counts: sparse.csr_array,
    metadata: tuple[list[str], sparse.csr_array],
) -> Model:
    """A model with the raw link counts as weights; `_with_weights` computes the final ones.

    :param counts: shape (items, items), see `transitions.count`.
    :param metadata: item identifiers, and a matrix of shape (identifiers, metadata values).
    """
    number = len(data.item_ids)
    starts, items, types = arrays.histories(data)
    rows = np.searchsorted(data.item_ids, metadata[0]) if metadata[0] else np.zeros(0, int)
    order = sparse.coo_array((np.ones(len(rows)), (rows, np.arange(len(rows)))), shape=(number, len(rows)))
    features = (order.tocsr() @ metadata[1]).tocsr()
    lifts = {
        name: (values, arrays.lifts(data, codes, len(values)))
        for name, (codes, values) in data.contexts.items()
    }
    return Model(
        settings=Settings(repeats=arrays.repeats(data)),
        item_ids=data.item_ids,
        user_ids=data.user_ids,
        weights=counts,
        popularity=np.bincount(data.items, minlength=number),
        trend=arrays.trend(data),
        starts=starts,
        history_items=items,
        history_types=types,
        type_names=data.type_names,
        features=features,
        inverse=np.zeros((0, 0)),
        lifts=lifts,
    )


def _with_weights(model: Model, counts: sparse.csr_array, task: str, values: Mapping[str, str]) -> Model:
    """The model with the weights and settings of its hyperparameters (see docs/personalize.md).

    :param counts: shape (items, items), see `transitions.count`.
    """
    weighting = Weights(neighbours=4 * int(values.get("hidden_dimension", 149)))
    if task == "items":
        discount = float(values.get("popularity_discount_factor", 0.5))
        fewest = float(values.get("min_cointeraction_count", 3))
        weighting = replace(weighting, backward=1.0, target=discount, fewest=fewest)
    settings = replace(
        model.settings,
        recency=0.9 if values.get("recency_mask", "true") == "true" else 1.0,
        length=int(values.get("bptt", 32)),
        rare=int(values.get("cold_start_max_interactions", RARE)),
        repeats=0.0 if values.get("exclude_seen") == "true" else model.settings.repeats,
    )
    features = model.features[model.popularity > settings.rare]
    ridge = (features.T @ features).toarray() + RIDGE * np.eye(features.shape[1])
    weights = transitions.weigh(counts, model.popularity, weighting)
    return replace(model, settings=settings, weights=weights, inverse=np.linalg.inv(ridge))


def _search(
    request: Request,
    model: Model,
    counts: sparse.csr_array,
    data: Interactions,
    test_users: NDArray[np.int64],
) -> dict[str, str]:
    """The requested hyperparameters, or the best of a search on a split of the training users.

    The search maximizes precision@25 with optuna's tree-structured Parzen estimator (Bergstra et al. 2011).
    """
    hyperparameters = dict(request.hyperparameters)
    if not request.search:
        return hyperparameters
    import optuna  # two seconds that only a search pays

    candidates = np.setdiff1d(np.flatnonzero(np.diff(data.starts) >= 2), test_users)
    validation_users = np.random.default_rng(SEED).choice(
        candidates, min(500, len(candidates)), replace=False
    )

    def objective(trial: optuna.Trial) -> float:
        suggestions = {name: str(_suggest(trial, name, *bounds)) for name, bounds in request.search.items()}
        values = hyperparameters | suggestions
        trial.set_user_attr("values", values)
        answers = evaluation.answers(
            request.task, _with_weights(model, counts, request.task, values), data, validation_users
        )
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
    """Train by the folder's request; the exit code is 1 when the data does not suffice."""
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
