"""Hyperparameter tuning jobs: they run training jobs, several at a time, and keep the best.

The training jobs of a tuning job are ordinary ones that also record the hyperparameters tried. Counters, the
best job and the lists are computed from them; nothing is stored twice.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

from include.local_aws.calls import Caller
from include.local_aws.protocol.errors import AwsError
from include.local_aws.sagemaker.jobs import tuning_request as request
from include.local_aws.sagemaker.jobs.job import JobFailed
from include.local_aws.sagemaker.jobs.kind import ENDED, JobKind
from include.local_aws.sagemaker.jobs.training import TRAINING
from include.local_aws.sagemaker.listing import Listing

if TYPE_CHECKING:
    from optuna.trial import Trial

    from include.local_aws.calls import Output, Params
    from include.local_aws.sagemaker.jobs.engine import JobEngine
    from include.local_aws.sagemaker.jobs.job import Job
    from include.local_aws.sagemaker.jobs.search_space import SearchSpace
    from include.local_aws.sagemaker.jobs.training import TrainingJobs
    from include.local_aws.state import Document

POLL_SECONDS = 0.2
CONSECUTIVE_FAILURES = 3  # if the first training jobs all fail, the others would, too
SUMMARY = ("CreationTime", "HyperParameterTuningEndTime", "LastModifiedTime")
OF_TRAINING = (
    *("TrainingJobName", "TrainingJobArn", "CreationTime", "TrainingStartTime", "TrainingEndTime"),
    *("TrainingJobStatus", "TunedHyperParameters", "FailureReason"),
)

TUNING = JobKind(
    word="HyperParameterTuning",
    noun="hyper parameter tuning job",
    name_in_use="Hyper parameter tuning job names must be unique within an AWS account and region, "
    "and a hyper parameter tuning job with this name already exists ({arn})",
    not_described="Amazon SageMaker can't find a tuning job with the name {name}. It does not exist.",
    not_stopped="Amazon SageMaker can't find a tuning job with the name {name}. It does not exist.",
    runs_jobs=True,
)


class TuningJobs:
    """The operations on hyperparameter tuning jobs."""

    def __init__(self, engine: JobEngine, training: TrainingJobs) -> None:
        self._training, self._tags = training, engine.tags
        self._jobs = engine.of_kind(TUNING)
        self._listing = Listing(name="TrainingJobName", status="TrainingJobStatus")

    def create_hyper_parameter_tuning_job(self, params: Params, caller: Caller) -> Output:
        document = {name: value for name, value in params.items() if name != "Tags"}
        request.check(document)
        space = request.search_space(document["HyperParameterTuningJobConfig"])
        self._training.check(request.training(document, "check", space.ask()[1]))
        arn = self._jobs.create(document, params.get("Tags"), caller, self._work)
        return {"HyperParameterTuningJobArn": arn}

    def describe_hyper_parameter_tuning_job(self, params: Params, caller: Caller) -> Output:
        document = self._jobs.describe(params["HyperParameterTuningJobName"])
        children = self._children(document)
        best = self._best(document, children)
        spent = sum(child.get("TrainingTimeInSeconds", 0) for child in children)
        return (
            document
            | self._counters(document, children)
            | {"ConsumedResources": {"RuntimeInSeconds": spent}}
            | ({"BestTrainingJob": self._summary(document, best)} if best else {})
        )

    def list_hyper_parameter_tuning_jobs(self, params: Params, caller: Caller) -> Output:
        members = (TUNING.name, TUNING.arn, TUNING.status, *SUMMARY)
        page = self._jobs.page(params, members)
        for summary in page["HyperParameterTuningJobSummaries"]:  # type: ignore[attr-defined]
            document = self._jobs.describe(summary[TUNING.name])
            config = document["HyperParameterTuningJobConfig"]
            summary |= self._counters(document, self._children(document))
            summary |= {"Strategy": config["Strategy"], "ResourceLimits": config["ResourceLimits"]}
        return page

    def list_training_jobs_for_hyper_parameter_tuning_job(self, params: Params, caller: Caller) -> Output:
        document = self._jobs.describe(params["HyperParameterTuningJobName"])
        summaries = []
        for child in self._children(document):
            summary = self._summary(document, child)
            metric = summary.get("FinalHyperParameterTuningJobObjectiveMetric", {})
            summaries.append(summary | {"FinalObjectiveMetricValue": metric.get("Value", float("-inf"))})
        page, token = self._listing.page(summaries, params)
        return {"TrainingJobSummaries": page} | ({"NextToken": token} if token else {})

    def stop_hyper_parameter_tuning_job(self, params: Params, caller: Caller) -> Output:
        self._jobs.stop(params["HyperParameterTuningJobName"])
        return None

    def delete_hyper_parameter_tuning_job(self, params: Params, caller: Caller) -> Output:
        self._jobs.delete(params["HyperParameterTuningJobName"])
        return None

    def _work(self, job: Job) -> None:
        config = job.document["HyperParameterTuningJobConfig"]
        if "MaxRuntimeInSeconds" in config["ResourceLimits"]:
            job.limit(config["ResourceLimits"]["MaxRuntimeInSeconds"])
        running: dict[str, Trial] = {}
        try:
            self._search(job, request.search_space(config), running)
        finally:
            self._stop(list(running))
        self._judge(job.document)

    def _search(self, job: Job, space: SearchSpace, running: dict[str, Trial]) -> None:
        """Keep as many training jobs running as allowed, until a limit is reached.

        :param running: the trials of the running jobs by name; the caller stops what is left after an error.
        """
        limits = job.document["HyperParameterTuningJobConfig"]["ResourceLimits"]
        count, is_complete = 0, False
        while True:
            job.check()
            if self._collect(job, space, running):
                is_complete = self._is_complete(job.document)
            may_start = count < limits["MaxNumberOfTrainingJobs"] and not is_complete
            if may_start and len(running) < limits["MaxParallelTrainingJobs"]:
                count += 1
                name, trial = self._start(job, space, count)
                running[name] = trial
            elif running:
                job.interrupted.wait(POLL_SECONDS)
            else:
                return

    def _collect(self, job: Job, space: SearchSpace, running: dict[str, Trial]) -> bool:
        """Record the objectives of the training jobs that have ended; whether there were any."""
        config = job.document["HyperParameterTuningJobConfig"]
        ended = [name for name in running if self._has_ended(name)]
        for name in ended:
            space.tell(running.pop(name), self._value(config, self._training.find(name)))
        return bool(ended)

    def _start(self, job: Job, space: SearchSpace, number: int) -> tuple[str, Trial]:
        name = f"{job.name}-{number:03}-{secrets.token_hex(4)}"
        trial, hyperparameters = space.ask()
        account, region = job.arn.split(":")[4], job.region
        extra_members = {"TuningJobArn": job.arn, "TunedHyperParameters": hyperparameters}
        params = request.training(job.document, name, hyperparameters) | {"Tags": self._tags.list(job.arn)}
        try:
            self._training.start(params, Caller(region, account), extra_members)
        except AwsError as error:
            raise JobFailed(f"ClientError: {error}") from error
        return name, trial

    def _has_ended(self, name: str) -> bool:
        return bool(self._training.find(name)[TRAINING.status] in ENDED)

    def _stop(self, names: list[str]) -> None:
        """Stop the training jobs of a tuning job that ends early."""
        for name in names:
            if not self._has_ended(name):
                self._training.stop_training_job({"TrainingJobName": name}, Caller())
        while not all(self._has_ended(name) for name in names):
            time.sleep(POLL_SECONDS)

    def _is_complete(self, document: Document) -> bool:
        """Whether a completion criterion is met, or the first training jobs have all failed."""
        config, children = document["HyperParameterTuningJobConfig"], self._children(document)
        done = [child for child in children if child[TRAINING.status] in ENDED]
        values = [value for child in done if (value := self._value(config, child)) is not None]
        if not values:
            return len(done) >= CONSECUTIVE_FAILURES
        criteria = config.get("TuningJobCompletionCriteria", {})
        sign = 1 if config["HyperParameterTuningJobObjective"]["Type"] == "Maximize" else -1
        best = max(sign * value for value in values)
        target = criteria.get("TargetObjectiveMetricValue")
        patience = criteria.get("BestObjectiveNotImproving", {}).get("MaxNumberOfTrainingJobsNotImproving")
        since = len(values) - 1 - [sign * value for value in values].index(best)
        return (target is not None and best >= sign * target) or (patience is not None and since >= patience)

    def _judge(self, document: Document) -> None:
        children = self._children(document)
        if self._best(document, children) is None:
            reasons = [child.get("FailureReason", "") for child in children]
            metric = document["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"][
                "MetricName"
            ]
            why = next(filter(None, reasons), f"none emitted the metric {metric}")
            raise JobFailed(f"No training job succeeded with objective metric {metric}: {why}")

    def _children(self, document: Document) -> list[Document]:
        """The training jobs of a tuning job, oldest first: their names begin with its name."""
        arn, same_prefix = document[TUNING.arn], self._training.beginning(f"{document[TUNING.name]}-")
        return [child for child in same_prefix if child.get("TuningJobArn") == arn]

    @staticmethod
    def _value(config: Document, child: Document) -> float | None:
        """The final value of the objective; None for a training job that has none."""
        metric = config["HyperParameterTuningJobObjective"]["MetricName"]
        final = {entry["MetricName"]: entry["Value"] for entry in child.get("FinalMetricDataList", [])}
        return final.get(metric) if child[TRAINING.status] == "Completed" else None

    def _best(self, document: Document, children: list[Document]) -> Document | None:
        config = document["HyperParameterTuningJobConfig"]
        sign = 1 if config["HyperParameterTuningJobObjective"]["Type"] == "Maximize" else -1
        scores = [(v, c) for c in children if (v := self._value(config, c)) is not None]
        return max(scores, key=lambda pair: sign * pair[0])[1] if scores else None

    def _summary(self, document: Document, child: Document) -> Document:
        """A training job as the lists of a tuning job show it."""
        config = document["HyperParameterTuningJobConfig"]
        value = self._value(config, child)
        without_value = "Failed" if child[TRAINING.status] in ENDED else "Pending"
        summary = {member: child[member] for member in OF_TRAINING if member in child}
        summary |= {"ObjectiveStatus": without_value if value is None else "Succeeded"}
        if value is not None:
            objective = config["HyperParameterTuningJobObjective"]
            summary |= {"FinalHyperParameterTuningJobObjectiveMetric": {**objective, "Value": value}}
        return summary

    def _counters(self, document: Document, children: list[Document]) -> dict[str, Any]:
        jobs = dict.fromkeys(("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0)
        objectives = dict.fromkeys(("Succeeded", "Pending", "Failed"), 0)
        of_status = {"Failed": "NonRetryableError", "Stopping": "InProgress"}
        for child in children:
            status = str(child[TRAINING.status])
            jobs[of_status.get(status, status)] += 1
            objectives[self._summary(document, child)["ObjectiveStatus"]] += 1
        return {"TrainingJobStatusCounters": jobs, "ObjectiveStatusCounters": objectives}
