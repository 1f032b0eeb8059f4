from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from botocore.exceptions import ClientError

from include.local_aws.sagemaker.jobs.search_space import SearchSpace
from tests.local_aws.sagemaker.job_requests import XGBOOST, channel, eventually, training

if TYPE_CHECKING:
    from collections.abc import Callable

ENDED = ("Completed", "Failed", "Stopped")
SCORE = """
import json
values = json.load(open("/opt/ml/input/config/hyperparameters.json"))
x = float(values["x"])
print(f"score={1 - (x - 3) ** 2 / 100};", flush=True)
"""
SLEEP = "import time; print('started', flush=True); time.sleep(60)"
OBJECTIVE = {"Type": "Maximize", "MetricName": "score"}
X = {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "10"}]}


def tuning(
    name: str,
    script: str,
    bucket: str,
    ranges: dict[str, Any] = X,
    jobs: int = 4,
    parallel: int = 2,
    **config: Any,
) -> dict[str, Any]:
    definition = training("unused", script, bucket)
    del definition["TrainingJobName"]
    specification = definition["AlgorithmSpecification"]
    specification["MetricDefinitions"] = [{"Name": "score", "Regex": "score=([0-9.e-]+);"}]
    # a tuning job has no ContainerEntrypoint, so the script is given as script mode does
    entry = specification.pop("ContainerEntrypoint")
    static = {
        "sagemaker_program": f'"{entry[-1].rsplit("/", 1)[-1]}"',
        "sagemaker_submit_directory": '"/opt/ml/input/data/code"',
    }
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "RandomSeed": 7,
            "HyperParameterTuningJobObjective": OBJECTIVE,
            "ResourceLimits": {"MaxNumberOfTrainingJobs": jobs, "MaxParallelTrainingJobs": parallel},
            "ParameterRanges": ranges,
            **config,
        },
        "TrainingJobDefinition": {**definition, "StaticHyperParameters": static},
    }


@pytest.fixture
def tune(sagemaker: Any, bucket: str, script: Callable[[str], str]) -> Callable[..., dict[str, Any]]:
    def tune(name: str, code: str, **config: Any) -> dict[str, Any]:
        request = tuning(name, script(code), bucket, **config)
        sagemaker.create_hyper_parameter_tuning_job(**request)
        return finished(sagemaker, name)

    return tune


def describe(sagemaker: Any, name: str) -> Any:
    return sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)


def finished(sagemaker: Any, name: str) -> dict[str, Any]:
    eventually(lambda: describe(sagemaker, name)["HyperParameterTuningJobStatus"] in ENDED, seconds=60)
    job: dict[str, Any] = describe(sagemaker, name)
    return job


def children(sagemaker: Any, name: str, **members: Any) -> list[dict[str, Any]]:
    summaries: list[dict[str, Any]] = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name, **members
    )["TrainingJobSummaries"]
    return summaries


def test_the_best_of_several_training_jobs_is_found(
    tune: Callable[..., dict[str, Any]], sagemaker: Any
) -> None:
    job = tune("best", SCORE)
    assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
    assert job["TrainingJobStatusCounters"]["Completed"] == 4
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 4, "Pending": 0, "Failed": 0}
    ranked = children(sagemaker, "best", SortBy="FinalObjectiveMetricValue", SortOrder="Descending")
    values = [c["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for c in ranked]
    assert values == sorted(values, reverse=True)
    best = job["BestTrainingJob"]
    assert best["TrainingJobName"] == ranked[0]["TrainingJobName"]
    x = float(best["TunedHyperParameters"]["x"])
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == pytest.approx(
        1 - (x - 3) ** 2 / 100
    )
    assert best["ObjectiveStatus"] == "Succeeded"


def test_a_child_is_an_ordinary_training_job(tune: Callable[..., dict[str, Any]], sagemaker: Any) -> None:
    tune("family", SCORE, jobs=1)
    (child,) = children(sagemaker, "family")
    assert child["TrainingJobName"].startswith("family-001-")
    job = sagemaker.describe_training_job(TrainingJobName=child["TrainingJobName"])
    assert job["TuningJobArn"].endswith("hyper-parameter-tuning-job/family")
    assert job["HyperParameters"]["_tuning_objective_metric"] == "score"
    assert job["ModelArtifacts"]["S3ModelArtifacts"].endswith(
        f"{child['TrainingJobName']}/output/model.tar.gz"
    )


def test_a_job_whose_name_begins_with_anothers_has_children_of_its_own(
    tune: Callable[..., dict[str, Any]], sagemaker: Any
) -> None:
    short, long = tune("begin", SCORE, jobs=1), tune("begin-001", SCORE, jobs=2)
    counters = [job["TrainingJobStatusCounters"]["Completed"] for job in (short, long)]
    assert counters == [1, 2]
    assert counters == [len(children(sagemaker, name)) for name in ("begin", "begin-001")]


def test_children_carry_the_tags_of_the_tuning_job(
    sagemaker: Any, bucket: str, script: Callable[[str], str]
) -> None:
    tags = [{"Key": "project", "Value": "ml"}]
    request = tuning("tagged", script(SCORE), bucket, jobs=1)
    sagemaker.create_hyper_parameter_tuning_job(**request, Tags=tags)
    finished(sagemaker, "tagged")
    (child,) = children(sagemaker, "tagged")
    assert sagemaker.list_tags(ResourceArn=child["TrainingJobArn"])["Tags"] == tags


def test_no_more_jobs_run_at_a_time_than_allowed(tune: Callable[..., dict[str, Any]], sagemaker: Any) -> None:
    tune("parallel", SCORE, jobs=3, parallel=1)
    descriptions = [
        sagemaker.describe_training_job(TrainingJobName=child["TrainingJobName"])
        for child in children(sagemaker, "parallel", SortBy="Name", SortOrder="Ascending")
    ]
    for earlier, later in zip(descriptions, descriptions[1:], strict=False):
        assert earlier["TrainingEndTime"] <= later["CreationTime"]


def test_a_grid_tries_every_combination_once(tune: Callable[..., dict[str, Any]], sagemaker: Any) -> None:
    ranges = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["1", "3", "9"]}]}
    job = tune("grid", SCORE, ranges=ranges, jobs=3, Strategy="Grid")
    tried = sorted(child["TunedHyperParameters"]["x"] for child in children(sagemaker, "grid"))
    assert tried == ["1", "3", "9"]
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"x": "3"}


def test_the_target_ends_the_search(tune: Callable[..., dict[str, Any]], sagemaker: Any) -> None:
    job = tune(
        "target", SCORE, jobs=20, parallel=1, TuningJobCompletionCriteria={"TargetObjectiveMetricValue": 0.5}
    )
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert len(children(sagemaker, "target", MaxResults=50)) < 20


def test_training_jobs_that_fail_end_the_search_with_their_reason(
    tune: Callable[..., dict[str, Any]], sagemaker: Any
) -> None:
    job = tune("failing", "raise SystemExit('no luck')", jobs=20, parallel=1)
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert "AlgorithmError" in job["FailureReason"]
    assert job["TrainingJobStatusCounters"]["NonRetryableError"] == 3


def test_without_the_metric_the_tuning_job_fails(tune: Callable[..., dict[str, Any]]) -> None:
    job = tune("silent", "print('nothing to say')", jobs=1)
    assert "none emitted the metric score" in job["FailureReason"]
    assert job["ObjectiveStatusCounters"]["Failed"] == 1


def test_an_objective_that_is_no_number_does_not_count(
    sagemaker: Any, bucket: str, script: Callable[[str], str]
) -> None:
    """A loss that became NaN is neither the best value nor the end of the search."""
    request = tuning("nan", script(f"{SCORE}\nif x > 5: print('score=nan;', flush=True)"), bucket, jobs=6)
    only_nan = script("print('score=inf;', flush=True)")
    specification = request["TrainingJobDefinition"]["AlgorithmSpecification"]
    specification["MetricDefinitions"] = [{"Name": "score", "Regex": "score=(.*);"}]
    sagemaker.create_hyper_parameter_tuning_job(**request)
    job = finished(sagemaker, "nan")
    assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
    best = job["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    assert 0 < best <= 1
    request = tuning("infinite", only_nan, bucket, jobs=1)
    request["TrainingJobDefinition"]["AlgorithmSpecification"] |= specification
    sagemaker.create_hyper_parameter_tuning_job(**request)
    assert "none emitted the metric score" in finished(sagemaker, "infinite")["FailureReason"]


def test_stopping_stops_the_training_jobs_first(
    sagemaker: Any, bucket: str, script: Callable[[str], str]
) -> None:
    sagemaker.create_hyper_parameter_tuning_job(**tuning("stopped", script(SLEEP), bucket))
    eventually(lambda: len(children(sagemaker, "stopped")) == 2)
    sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="stopped")
    job = finished(sagemaker, "stopped")
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    assert job["TrainingJobStatusCounters"]["Stopped"] == 2


def test_listing_shows_counters_and_strategy(tune: Callable[..., dict[str, Any]], sagemaker: Any) -> None:
    tune("listed", SCORE, jobs=1)
    page = sagemaker.list_hyper_parameter_tuning_jobs(NameContains="listed")
    (summary,) = page["HyperParameterTuningJobSummaries"]
    assert (summary["Strategy"], summary["TrainingJobStatusCounters"]["Completed"]) == ("Random", 1)


def test_the_built_in_algorithm_is_tuned_by_its_own_metric(sagemaker: Any, s3: Any, bucket: str) -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=(300, 3))
    rows = np.column_stack([(x[:, 0] > 0).astype(int), x])
    text = "\n".join(",".join(map(str, row)) for row in rows)
    for part in ("train", "validation"):
        s3.put_object(Bucket=bucket, Key=f"tuned/{part}/rows.csv", Body=text.encode())
    request = tuning("xgboost", f"s3://{bucket}/tuned/train/rows.csv", bucket, jobs=2)
    request["HyperParameterTuningJobConfig"] |= {
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:auc"},
        "ParameterRanges": {
            "IntegerParameterRanges": [{"Name": "max_depth", "MinValue": "2", "MaxValue": "5"}],
            "ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0.01", "MaxValue": "0.3"}],
        },
    }
    request["TrainingJobDefinition"] |= {
        "AlgorithmSpecification": {"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
        "StaticHyperParameters": {"num_round": "5", "objective": "binary:logistic"},
        "InputDataConfig": [
            channel(part, f"s3://{bucket}/tuned/{part}/") for part in ("train", "validation")
        ],
    }
    sagemaker.create_hyper_parameter_tuning_job(**request)
    job = finished(sagemaker, "xgboost")
    assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
    assert job["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] > 0.9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Strategy": "Grid"}, "categorical ranges only"),
        ({"Strategy": "Hyperband"}, "Hyperband is not supported"),
        ({"ranges": {}}, "must name 1 to 30"),
        (
            {"ranges": {"IntegerParameterRanges": [{"Name": "x", "MinValue": "9", "MaxValue": "1"}]}},
            "'x': MinValue 9 is greater",
        ),
        (
            {"ranges": {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "a", "MaxValue": "1"}]}},
            "'x': could not convert",
        ),
        (
            {"ranges": {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "nan", "MaxValue": "inf"}]}},
            "'x': MinValue nan and MaxValue inf have to be finite",
        ),
        (
            {"ranges": {"CategoricalParameterRanges": [{"Name": "sagemaker_program", "Values": ["a", "b"]}]}},
            "both name sagemaker_program",
        ),
    ],
)
def test_a_search_that_is_not_possible_is_refused_by_name(
    sagemaker: Any, bucket: str, script: Callable[[str], str], change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        sagemaker.create_hyper_parameter_tuning_job(**tuning("wrong", script(SCORE), bucket, **change))
    with pytest.raises(ClientError, match="can't find a tuning job"):
        describe(sagemaker, "wrong")


def test_names_are_unique(
    tune: Callable[..., dict[str, Any]], sagemaker: Any, bucket: str, script: Callable[[str], str]
) -> None:
    tune("twice", SCORE, jobs=1)
    with pytest.raises(ClientError, match="ResourceInUse"):
        sagemaker.create_hyper_parameter_tuning_job(**tuning("twice", script(SCORE), bucket))


def test_a_bayesian_search_comes_closer_than_a_random_one() -> None:
    """Over 20 seeds on a smooth function, 25 tries each."""

    def best(strategy: str, seed: int) -> float:
        space = SearchSpace(X, strategy, maximize=True, seed=seed)
        objectives = []
        for _ in range(25):
            trial, values = space.ask()
            objectives.append(-((float(values["x"]) - 3) ** 2))
            space.tell(trial, objectives[-1])
        return max(objectives)

    wins = [best("Bayesian", seed) >= best("Random", seed) for seed in range(20)]
    assert sum(wins) > 12


@pytest.mark.parametrize(
    ("scaling", "low", "high", "share"),
    [
        ("Linear", "0.001", "1", 0.9),
        ("Logarithmic", "0.001", "1", 1 / 3),
        ("ReverseLogarithmic", "0", "0.999", 2 / 3),
    ],
)
def test_scaling_types_decide_where_values_are_tried(scaling: str, low: str, high: str, share: float) -> None:
    """The share of tries above 0.1, or above 0.9 if the range is searched towards one."""
    entry = {"Name": "x", "MinValue": low, "MaxValue": high, "ScalingType": scaling}
    space = SearchSpace({"ContinuousParameterRanges": [entry]}, "Random", maximize=True, seed=1)
    values = np.array([float(space.ask()[1]["x"]) for _ in range(400)])
    limit = 0.9 if scaling == "ReverseLogarithmic" else 0.1
    assert (values > limit).mean() == pytest.approx(share, abs=0.08)
