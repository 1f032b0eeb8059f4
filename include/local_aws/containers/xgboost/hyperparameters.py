"""The built-in algorithm's hyperparameters: names, types, ranges, dependencies.

Source: the documentation of SageMaker's XGBoost algorithm ("XGBoost hyperparameters").
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

INFINITY = float("inf")


class UserError(Exception):
    """An error that the user can correct; the text names the place, the value and what is allowed."""


@dataclass(frozen=True)
class Number:
    """A number between two bounds; with `above` the lower bound itself is excluded."""

    kind: type
    low: float = -INFINITY
    high: float = INFINITY
    above: bool = False

    def read(self, name: str, text: str) -> float:
        """The number in a text.

        :raises UserError: when it is no number of this type or out of range.
        """
        try:
            value = self.kind(text)
        except ValueError as error:
            raise UserError(
                f"Hyperparameter {name}: {text!r} is not of type {self.kind.__name__}."
            ) from error
        if not (self.low < value if self.above else self.low <= value) or value > self.high:
            raise UserError(f"Hyperparameter {name}: {text} is not in {self}.")
        return float(value) if self.kind is float else int(value)

    def __str__(self) -> str:
        low = "(-inf" if self.low == -INFINITY else f"{'(' if self.above else '['}{self.low:g}"
        return f"{low}, {'inf)' if self.high == INFINITY else f'{self.high:g}]'}"


@dataclass(frozen=True)
class Choice:
    """One word of several; with `several` a list of them, separated by commas."""

    words: tuple[str, ...]
    several: bool = False

    def read(self, name: str, text: str) -> str | list[str]:
        """The word or words in a text.

        :raises UserError: naming a word that is not allowed.
        """
        words = [word.strip() for word in text.split(",")] if self.several else [text]
        for word in words:
            if word.partition("@")[0] not in self.words:  # error@0.7: a metric with its threshold
                raise UserError(f"Hyperparameter {name}: {word!r} is not one of {', '.join(self.words)}.")
        return words if self.several else text


@dataclass(frozen=True)
class Text:
    """Any text; XGBoost itself reads it (constraints, updaters)."""

    def read(self, name: str, text: str) -> str:
        """The text itself."""
        return text


# Metrics that the container computes; XGBoost has the others.
CUSTOM_METRICS = (
    *("accuracy", "balanced_accuracy", "f1", "f1_binary", "f1_macro", "mse", "r2"),
    *("precision", "precision_macro", "precision_micro", "recall", "recall_macro", "recall_micro"),
)
METRICS = (
    *(
        "rmse",
        "rmsle",
        "mae",
        "mape",
        "mphe",
        "logloss",
        "error",
        "merror",
        "mlogloss",
        "auc",
        "aucpr",
        "ndcg",
        "map",
    ),
    *("poisson-nloglik", "gamma-nloglik", "gamma-deviance", "tweedie-nloglik", "cox-nloglik", "aft-nloglik"),
    *CUSTOM_METRICS,
)
OBJECTIVES = (
    *("reg:squarederror", "reg:squaredlogerror", "reg:logistic", "reg:pseudohubererror", "reg:absoluteerror"),
    *("reg:gamma", "reg:tweedie", "reg:linear", "binary:logistic", "binary:logitraw", "binary:hinge"),
    *("count:poisson", "survival:cox", "survival:aft", "multi:softmax", "multi:softprob"),
    *("rank:pairwise", "rank:ndcg", "rank:map"),
)
ALIASES = {
    "learning_rate": "eta",
    "min_split_loss": "gamma",
    "reg_lambda": "lambda",
    "reg_alpha": "alpha",
}
SHARE = Number(float, 0, 1, above=True)
FLAG = Number(int, 0, 1)

HYPERPARAMETERS: dict[str, Number | Choice | Text] = {
    "num_round": Number(int, 1),
    "booster": Choice(("gbtree", "gblinear", "dart")),
    "objective": Choice(OBJECTIVES),
    "eval_metric": Choice(METRICS, several=True),
    "num_class": Number(int, 2),
    "early_stopping_rounds": Number(int, 1),
    "csv_weights": FLAG,
    "eta": Number(float, 0, 1),
    "gamma": Number(float, 0),
    "max_depth": Number(int, 0),
    "min_child_weight": Number(float, 0),
    "max_delta_step": Number(float, 0),
    "subsample": SHARE,
    "colsample_bytree": SHARE,
    "colsample_bylevel": SHARE,
    "colsample_bynode": SHARE,
    "lambda": Number(float, 0),
    "alpha": Number(float, 0),
    "lambda_bias": Number(float, 0),
    "tree_method": Choice(("auto", "exact", "approx", "hist", "gpu_hist")),
    "sampling_method": Choice(("uniform", "gradient_based")),
    "sketch_eps": SHARE,
    "scale_pos_weight": Number(float, 0),
    "base_score": Number(float),
    "updater": Text(),
    "refresh_leaf": FLAG,
    "process_type": Choice(("default", "update")),
    "grow_policy": Choice(("depthwise", "lossguide")),
    "max_leaves": Number(int, 0),
    "max_bin": Number(int, 2),
    "max_cat_to_onehot": Number(int, 1),
    "sample_type": Choice(("uniform", "weighted")),
    "normalize_type": Choice(("tree", "forest")),
    "rate_drop": Number(float, 0, 1),
    "one_drop": FLAG,
    "skip_drop": Number(float, 0, 1),
    "tweedie_variance_power": Number(float, 1, 2, above=True),
    "huber_slope": Number(float, 0),
    "num_parallel_tree": Number(int, 1),
    "interaction_constraints": Text(),
    "monotone_constraints": Text(),
    "aft_loss_distribution": Choice(("normal", "logistic", "extreme")),
    "aft_loss_distribution_scale": Number(float, 0, above=True),
    "deterministic_histogram": Choice(("true", "false")),
    "single_precision_histogram": Choice(("true", "false")),
    "predictor": Choice(("auto", "cpu_predictor", "gpu_predictor")),
    "dsplit": Choice(("row", "col")),
    "seed": Number(int),
    "nthread": Number(int, 1),
    "verbosity": Number(int, 0, 3),
    "save_model_on_termination": Choice(("true", "false")),
    "_tuning_objective_metric": Text(),
    "_kfold": Number(int, 2),
    "_num_cv_round": Number(int, 1),
}
# Hyperparameters that current XGBoost no longer has: accepted and left out.
RETIRED = {
    "sketch_eps",
    "lambda_bias",
    "predictor",
    "dsplit",
    "deterministic_histogram",
    "single_precision_histogram",
}

# Metrics that make sense for some objectives only.
METRIC_OBJECTIVES = {
    "auc": ("binary:", "rank:", "multi:softprob"),
    "aucpr": ("binary:", "rank:", "multi:softprob"),
    "merror": ("multi:",),
    "mlogloss": ("multi:softprob",),
    "f1_binary": ("binary:",),
}


def read(texts: Mapping[str, str]) -> dict[str, Any]:
    """Check hyperparameters, which arrive as strings, and convert them to their types.

    :raises UserError: for the first that is unknown, missing, out of range, or contradicts another.
    """
    values: dict[str, Any] = {}
    for name, text in texts.items():
        canonical = ALIASES.get(name, name)
        if canonical not in HYPERPARAMETERS:
            raise UserError(f"Extraneous hyperparameter found: {name}")
        if canonical in values:
            raise UserError(f"Hyperparameter {canonical} is given twice, as {name} too.")
        values[canonical] = HYPERPARAMETERS[canonical].read(name, _plain(text))
    if "num_round" not in values:
        raise UserError("Missing required hyperparameter: num_round")
    _check_classes(values)
    _check_metrics(values)
    return {name: value for name, value in values.items() if name not in RETIRED}


def _plain(text: str) -> str:
    """A text without JSON quotes: the SDKs send strings plain or as JSON (`"binary:logistic"`)."""
    try:
        decoded = json.loads(text)
    except ValueError:
        return text
    return decoded if isinstance(decoded, str) else text


def _check_classes(values: Mapping[str, Any]) -> None:
    multiclass = str(values.get("objective", "")).startswith("multi:")
    if multiclass and "num_class" not in values:
        raise UserError(f"Hyperparameter num_class is required for the objective {values['objective']}.")
    if "num_class" in values and not multiclass:
        raise UserError("Hyperparameter num_class is for the objectives multi:softmax and multi:softprob.")


def _check_metrics(values: Mapping[str, Any]) -> None:
    objective = str(values.get("objective", "reg:squarederror"))
    for metric in values.get("eval_metric", []):
        allowed = METRIC_OBJECTIVES.get(metric.partition("@")[0])
        if allowed and not objective.startswith(allowed):
            raise UserError(
                f"Metric {metric!r} can only be used with objectives {', '.join(allowed)}; not {objective}."
            )
