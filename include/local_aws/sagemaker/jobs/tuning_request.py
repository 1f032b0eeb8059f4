"""CreateHyperParameterTuningJob's request: what the model cannot check, and the requests derived from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.local_aws.protocol.errors import ValidationException

if TYPE_CHECKING:
    from include.local_aws.calls import Params
    from include.local_aws.sagemaker.jobs.search_space import SearchSpace
    from include.local_aws.state import Document

UNSUPPORTED = ("TrainingJobDefinitions", "WarmStartConfig", "Autotune")
NOT_OF_TRAINING = ("DefinitionName", "TuningObjective", "HyperParameterRanges", "RetryStrategy")


def search_space(config: Document) -> SearchSpace:
    """The ranges of a HyperParameterTuningJobConfig, ready to be searched.

    :raises ValidationException: naming the range that is wrong or not supported.
    """
    # imported at its first use, because its libraries are large
    from include.local_aws.sagemaker.jobs.search_space import SearchSpace

    objective = config["HyperParameterTuningJobObjective"]
    return SearchSpace(
        config.get("ParameterRanges", {}),
        config["Strategy"],
        maximize=objective["Type"] == "Maximize",
        seed=config.get("RandomSeed"),
    )


def training(job: Document, name: str, hyperparameters: dict[str, str]) -> Params:
    """The request of one training job."""
    definition = dict(job["TrainingJobDefinition"])
    metric = job["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"]
    static = definition.pop("StaticHyperParameters", {})
    for member in NOT_OF_TRAINING:
        definition.pop(member, None)
    values = {**static, **hyperparameters, "_tuning_objective_metric": metric}
    return {"TrainingJobName": name, "HyperParameters": values, **definition}


def check(job: Document) -> None:
    """Check what the service model cannot; sets the number of training jobs of a grid.

    :raises ValidationException: naming the member that is wrong or that this server does not support.
    """
    config = job["HyperParameterTuningJobConfig"]
    for member in UNSUPPORTED:
        if member in job:
            raise ValidationException(f"{member} is not supported locally.")
    if config["Strategy"] == "Hyperband":
        raise ValidationException("Strategy Hyperband is not supported locally; use Bayesian or Random.")
    if "TrainingJobDefinition" not in job:
        raise ValidationException("TrainingJobDefinition is required.")
    if "HyperParameterTuningJobObjective" not in config:
        raise ValidationException(
            "HyperParameterTuningJobConfig.HyperParameterTuningJobObjective is required."
        )
    _check_search(job, config)


def _check_search(job: Document, config: Document) -> None:
    space, limits = search_space(config), config["ResourceLimits"]
    if config["Strategy"] == "Grid":
        limits.setdefault("MaxNumberOfTrainingJobs", space.size)
    if "MaxNumberOfTrainingJobs" not in limits:
        raise ValidationException("ResourceLimits.MaxNumberOfTrainingJobs is required.")
    static = job["TrainingJobDefinition"].get("StaticHyperParameters", {})
    if names_in_both := sorted(static.keys() & space.ask()[1].keys()):
        raise ValidationException(
            f"StaticHyperParameters and ParameterRanges both name {', '.join(names_in_both)}."
        )
