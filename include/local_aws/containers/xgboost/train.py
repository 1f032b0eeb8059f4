"""`train` of the XGBoost image: the built-in algorithm, or the user's script."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

from include.local_aws.containers.toolkit import environment, paths, script
from include.local_aws.containers.xgboost import import_without_scikit_learn
from include.local_aws.containers.xgboost.hyperparameters import CUSTOM_METRICS, UserError, read

if TYPE_CHECKING:
    import xgboost

MODEL_NAME = "xgboost-model"
CHECKPOINT = "xgboost-checkpoint"
MOST_CHECKPOINTS = 5  # older ones are deleted
# Hyperparameters of the container, not of XGBoost.
CONTAINER_HYPERPARAMETERS = (
    "num_round",
    "early_stopping_rounds",
    "eval_metric",
    "csv_weights",
    "save_model_on_termination",
)


def main() -> int:
    """Train; the exit code is 1 for an error that the user can correct, which is in the failure file."""
    job = environment.load()
    if "sagemaker_program" in job.settings:
        return script.train("sagemaker_xgboost_container.training:main")
    import_without_scikit_learn()
    try:
        train(job)
    except UserError as error:
        paths.write_failure(str(error))
        return 1
    return 0


def train(job: environment.TrainingEnvironment) -> None:
    """Read hyperparameters and channels, boost, save the model.

    :raises UserError: for wrong hyperparameters or data.
    """
    values = read({name: _text(value) for name, value in job.hyperparameters.items()})
    if unsupported := [name for name in ("_kfold", "_num_cv_round") if name in values]:
        raise UserError(f"Hyperparameter {unsupported[0]}: the local container does not cross-validate.")
    if "train" not in job.channels:
        raise UserError("Channel train is missing.")
    booster = boost(values, _load_channels(job, values))
    paths.MODEL.mkdir(parents=True, exist_ok=True)
    booster.save_model(paths.MODEL / f"{MODEL_NAME}.ubj")
    (paths.MODEL / f"{MODEL_NAME}.ubj").rename(paths.MODEL / MODEL_NAME)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _load_channels(
    job: environment.TrainingEnvironment, values: dict[str, Any]
) -> list[tuple[xgboost.DMatrix, str]]:
    from include.local_aws.containers.xgboost import data

    evals: list[tuple[xgboost.DMatrix, str]] = []
    for channel in ("train", "validation"):
        if channel in job.channels:
            kind = job.channels[channel].get("ContentType", "")
            matrix = data.load(paths.DATA / channel, kind, weights=bool(values.get("csv_weights")))
            print(f"Channel {channel}: {matrix.num_row()} rows, {matrix.num_col()} columns", flush=True)
            evals.append((matrix, channel))
    if evals[0][0].num_col() != evals[-1][0].num_col():
        counts = " and ".join(f"{matrix.num_col()} in {name}" for matrix, name in evals)
        raise UserError(f"The channels differ in their features: {counts}.")
    return evals


def boost(values: dict[str, Any], evals: list[tuple[xgboost.DMatrix, str]]) -> xgboost.Booster:
    """Train with one log line per round: `[0]<TAB>train-error:0.05<TAB>validation-error:0.06`.

    :param evals: matrices of shape (rows, features) with their channels, the training data first.
    :raises UserError: when XGBoost refuses the hyperparameters or the data.
    """
    import xgboost

    from include.local_aws.containers.xgboost.metrics import custom_metric

    metrics = _metrics(values)
    custom_metrics = [name for name in metrics if name in CUSTOM_METRICS]
    start, completed_rounds = _resume()
    try:
        return xgboost.train(
            _settings(values, metrics),
            evals[0][0],
            num_boost_round=max(values["num_round"] - completed_rounds, 0),
            evals=evals,
            custom_metric=custom_metric(custom_metrics) if custom_metrics else None,
            callbacks=_callbacks(values, metrics, completed_rounds),
            verbose_eval=False,
            xgb_model=start,
        )
    except (xgboost.core.XGBoostError, ValueError) as error:
        raise UserError(f"XGBoost refuses: {str(error).strip().splitlines()[0]}") from error


def _metrics(values: dict[str, Any]) -> list[str]:
    """The evaluation metrics; the objective of a tuning job comes last."""
    metrics = list(values.get("eval_metric", []))
    objective = str(values.get("_tuning_objective_metric", "")).rpartition(":")[2]
    return metrics if not objective or objective in metrics else [*metrics, objective]


def _settings(values: dict[str, Any], metrics: list[str]) -> dict[str, Any]:
    """The parameters of XGBoost."""
    settings = {
        name: value
        for name, value in values.items()
        if name not in CONTAINER_HYPERPARAMETERS and not name.startswith("_")
    }
    settings["eval_metric"] = [name for name in metrics if name not in CUSTOM_METRICS]
    settings["disable_default_eval_metric"] = bool(metrics and not settings["eval_metric"])
    return settings


def _callbacks(values: dict[str, Any], metrics: list[str], completed_rounds: int) -> list[Any]:
    """Progress, and early stopping on the last metric."""
    import xgboost

    from include.local_aws.containers.xgboost.metrics import maximises

    class Progress(xgboost.callback.TrainingCallback):
        """Prints one line per round; the count continues from a checkpoint.

        Ends the training after SIGTERM when the model is to be saved.
        """

        stopped = False

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            parts = [
                f"{channel}-{metric}:{history[-1]:.5f}"
                for channel, histories in evals_log.items()
                for metric, history in histories.items()
            ]
            print(f"[{completed_rounds + epoch}]\t" + "\t".join(parts), flush=True)
            _checkpoint(model, completed_rounds + epoch)
            return self.stopped

    progress = Progress()
    if values.get("save_model_on_termination") == "true":
        signal.signal(signal.SIGTERM, lambda *_: setattr(progress, "stopped", True))
    callbacks: list[Any] = [progress]
    if rounds := values.get("early_stopping_rounds"):
        maximise = maximises(metrics[-1]) if metrics else False
        callbacks.append(xgboost.callback.EarlyStopping(rounds, maximize=maximise, save_best=False))
    return callbacks


def _checkpoint(model: Any, epoch: int) -> None:
    """Save a checkpoint and delete the oldest; only when the job wants checkpoints (the folder exists)."""
    if not paths.CHECKPOINTS.is_dir():
        return
    draft = paths.CHECKPOINTS / "draft.ubj"
    model.save_model(draft)
    draft.rename(paths.CHECKPOINTS / f"{CHECKPOINT}.{epoch}")
    (paths.CHECKPOINTS / f"{CHECKPOINT}.{epoch - MOST_CHECKPOINTS}").unlink(missing_ok=True)


def _resume() -> tuple[Any, int]:
    """The newest checkpoint and its number of rounds; (None, 0) without one."""
    import xgboost

    checkpoints = paths.CHECKPOINTS.glob(f"{CHECKPOINT}.*") if paths.CHECKPOINTS.is_dir() else []
    newest = max(checkpoints, key=lambda path: int(path.suffix[1:]), default=None)
    if newest is None:
        return None, 0
    booster = xgboost.Booster(model_file=bytearray(newest.read_bytes()))
    return booster, booster.num_boosted_rounds()
