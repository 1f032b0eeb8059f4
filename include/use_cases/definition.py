"""What a use case is: data, recipe, targets. Pure data, so that a DAG file can afford to import it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

# number: scaled; category: text, one-hot encoded; ignore: not learned from; label: the answer
Kind = Literal["number", "category", "ignore", "label"]
# metrics of a classifier that gates and promotion can name (include/jobs/quality/classification.py)
METRICS = ("accuracy", "precision", "recall", "f1", "auc", "pr_auc")
LONGEST_CANARY = timedelta(hours=24)
LONGEST_ARGUMENT, MOST_ARGUMENTS = 256, 92  # of a processing job: 100, eight of which a run itself adds
NAME = r"[a-z][a-z0-9]*(_[a-z0-9]+)*"  # of a use case: it names a DAG, a package, a folder in S3
SKLEARN, XGBOOST = "1.9-0", "3.2-0"  # versions of the AWS images


@dataclass(frozen=True)
class Published:
    """What the original reported: the numbers to reach or beat, and their source."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True)
class Join:
    """A further raw table, whose columns are added to each row of the first one (a left join).

    :param dataset: its sample data's name in `include.datasets`; also the name of its param, `<dataset>_uri`.
    :param key: the column that both tables have; a value occurs at most once in this table.
    """

    dataset: str
    key: str


@dataclass(frozen=True)
class RawFormat:
    """How raw files become the canonical table: UTF-8, commas, a header line, the columns of the use case.

    The task `stage_data` converts them; everything after it reads the canonical table only.

    :param header: whether the first line names the columns; else the use case's `columns` do, in their order.
    :param separator: one character between values.
    :param strip: whether blanks around a value are removed.
    :param missing: texts that mean "no value" in a column of numbers, such as `?`; in a category they are
        values like any other.
    :param joins: further tables with columns of the same row.
    """

    header: bool = True
    separator: str = ","
    strip: bool = False
    missing: tuple[str, ...] = ()
    joins: tuple[Join, ...] = ()

    def __post_init__(self) -> None:
        """Check what cannot work together.

        :raises ValueError: then.
        """
        if self.joins and not self.header:
            raise ValueError("raw format: tables without a header line cannot be joined")

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> RawFormat:
        """The inverse of `dataclasses.asdict`, also after a passage through JSON."""
        joins = tuple(Join(**join) for join in content["joins"])
        return cls(**{**content, "missing": tuple(content["missing"]), "joins": joins})


@dataclass(frozen=True)
class DriftPolicy:
    """When drift is confirmed, and when it retrains: the same for every use case."""

    window_hours: float = 24.0
    minimum_rows: int = 200  # a window with fewer is no evidence, for drift or against it
    watch: float = 0.1  # distance of a column, or of the popularity, above which it is watched
    drift: float = 0.2  # ... above which it has drifted
    drifted_windows: int = 2  # so many drifted ...
    of_windows: int = 3  # ... of the last so many with enough rows confirm the drift
    cool_down_hours: float = 72.0  # after a retraining, drift does not start another one
    most_per_week: int = 2  # retrainings, whatever started them


@dataclass(frozen=True)
class Monitoring(DriftPolicy):
    """When a classifier's traffic counts as drifted (docs/drift.md says how it is measured)."""

    columns: Mapping[str, float] = field(default_factory=dict)  # a column's own `drift`
    drift_share: float = 0.1  # of the columns' importance: so much drifted is a drifted window
    rate_factor: float = 1.5  # by which the share of positive predictions may grow or shrink


@dataclass(frozen=True)
class InteractionMonitoring(DriftPolicy):
    """When what users of recommendations do counts as drifted."""

    new_share: float = 0.4  # of the events: by users, or of items, that were not in the training
    decline: float = 0.3  # share of the hold-out metric that may be lost before that is drift


@dataclass(frozen=True)
class PromotionPolicy:
    """When a challenger takes the champion's place: the same for every use case."""

    metric: str  # has to be better on the same rows, or for the same users
    least_gain: float = 0.005
    # least value of a challenger's metric, whatever the champion reaches (`UseCase.gates`: of a first model)
    gates: Mapping[str, float] = field(default_factory=dict)
    certainty: float = 0.9  # share of the bootstrap samples in which it has to be better
    most_loss: Mapping[str, float] = field(default_factory=dict)  # metric → how much worse it may be
    approval: Literal["auto", "manual"] = "auto"
    slowest_ms: float = 1000.0  # 99th percentile of the answers in service


@dataclass(frozen=True)
class Promotion(PromotionPolicy):
    """When, and by which shift of the traffic, a classifier's challenger takes over."""

    metric: str = "auc"
    canary_share: float = 0.1  # of the traffic that the challenger gets first
    canary_minutes: float = 5.0
    most_errors: float = 0.01  # share of the canary's calls

    def __post_init__(self) -> None:
        """Check how long the canary serves: the drift monitor has to know it from one that is stuck.

        :raises ValueError: when it is longer than `LONGEST_CANARY`.
        """
        if self.canary_minutes > LONGEST_CANARY.total_seconds() / 60:
            raise ValueError(
                f"a canary of {self.canary_minutes:g} minutes: at most {LONGEST_CANARY} are served"
            )


@dataclass(frozen=True)
class RecommendationPromotion(PromotionPolicy):
    """When a recommendation use case's challenger takes over."""

    metric: str = "ndcg_10"

    def __post_init__(self) -> None:
        """Check the metric: the comparison's bootstrap knows how sure a gain is for one metric only.

        :raises ValueError: for another one.
        """
        if self.metric != "ndcg_10":
            raise ValueError(f"promotion by {self.metric!r}: recommenders are compared by 'ndcg_10'")


@dataclass(frozen=True)
class UseCase:
    """A classifier's constants. Its DAG turns them into the defaults of the trigger form.

    >>> UseCase(name="churn", columns={"State": "category", "Churn?": "label"}, ...)

    :param name: of the DAG, prefix of every AWS resource of the workflow, and of its folder in the bucket.
    :param dataset: the sample data's name in `include.datasets`.
    :param columns: in the order of the canonical table.
    :param labels: as they stand in the data: negative, positive.
    :param classes: words for the two classes in reports and in the demo; empty: the labels.
    :param gates: least value of a metric on the test rows; the DAG does not deploy a model below one.
    :param threshold: a score above it is the positive label.
    :param label_days: so long after its request a label may come, and is learned from.
    """

    name: str
    title: str
    dataset: str
    columns: Mapping[str, Kind]
    labels: tuple[str, str]
    hyperparameters: Mapping[str, str]
    raw: RawFormat = field(default_factory=RawFormat)
    classes: tuple[str, str] | None = None
    gates: Mapping[str, float] = field(default_factory=dict)
    published: Published = field(default_factory=Published)
    sklearn_version: str = SKLEARN
    xgboost_version: str = XGBOOST
    split_seed: int = 1729
    threshold: float = 0.5
    label_days: int = 60
    monitoring: Monitoring = field(default_factory=Monitoring)
    promotion: Promotion = field(default_factory=Promotion)
    instance_type: str = "ml.m5.large"
    owner: str = "ml-platform"
    tags: tuple[str, ...] = ("ml", "sagemaker", "classification")

    def __post_init__(self) -> None:
        """Check the constants, before anything is run or paid.

        :raises ValueError: naming the use case and the constant.
        """
        if not re.fullmatch(NAME, self.name):
            raise ValueError(f"{self.name!r}: a use case's name is lower-case words joined by underscores")
        labels = [name for name, kind in self.columns.items() if kind == "label"]
        if len(labels) != 1:
            raise ValueError(f"{self.name}: columns have {len(labels)} labels, expected one")
        of_promotion = (self.promotion.metric, *self.promotion.gates, *self.promotion.most_loss)
        if unknown := sorted({*self.gates, *of_promotion} - set(METRICS)):
            raise ValueError(f"{self.name}: unknown metric {', '.join(unknown)}; known: {', '.join(METRICS)}")
        for argument in (*self.monitor_arguments, *self.evaluation_arguments):
            if len(argument) > LONGEST_ARGUMENT:
                raise ValueError(
                    f"{self.name}: {argument[:60]!r} ... is longer than a job's arguments, {LONGEST_ARGUMENT}"
                )
        if len(self.monitor_arguments) > MOST_ARGUMENTS:
            raise ValueError(
                f"{self.name}: {len(self.columns)} columns are more than a job's arguments can name"
            )

    @property
    def sample_data(self) -> tuple[str, ...]:
        """Names of the data sets that are put into the bucket where a user has none."""
        return (self.dataset, *(join.dataset for join in self.raw.joins))

    @property
    def endpoint(self) -> str:
        """Name of the endpoint and of the model package group: AWS allows hyphens in it, no underscores."""
        return self.name.replace("_", "-")

    @property
    def class_names(self) -> tuple[str, str]:
        """Words for the negative and the positive class."""
        return self.classes or self.labels

    @property
    def label_column(self) -> str:
        return next(name for name, kind in self.columns.items() if kind == "label")

    @property
    def positive_label(self) -> str:
        return self.labels[1]

    @property
    def table_arguments(self) -> list[str]:
        """Arguments that tell a job script what the columns and labels are."""
        columns = [f"{kind}:{name}" for name, kind in self.columns.items()]
        return ["--labels", *self.labels, "--columns", *columns]

    @property
    def monitor_arguments(self) -> list[str]:
        """Arguments of the job script `monitor.py`, window and title left out."""
        policy = self.monitoring
        own = [("--column", f"{name}:drift={limit}") for name, limit in policy.columns.items()]
        return [
            *self.table_arguments,
            *("--minimum-rows", str(policy.minimum_rows)),
            *("--watch", str(policy.watch)),
            *("--drift", str(policy.drift)),
            *("--drift-share", str(policy.drift_share)),
            *("--rate-factor", str(policy.rate_factor)),
            *(part for pair in own for part in pair),
        ]

    @property
    def prediction_arguments(self) -> list[str]:
        """Arguments of the job scripts that compare predictions with the truth."""
        return [
            *("--title", self.title),
            f"--label-column={self.label_column}",  # in one word: a name may begin with a hyphen
            *("--labels", *self.labels),
            *("--classes", *self.class_names),
            *("--threshold", str(self.threshold)),
        ]

    @property
    def evaluation_arguments(self) -> list[str]:
        """Arguments of the job script `evaluate.py`; what the data is, and the gates, are said by the run."""
        return [
            *self.prediction_arguments,
            *("--published", json.dumps(dict(self.published.metrics))),
            *("--published-source", self.published.source),
        ]


@dataclass(frozen=True)
class Recommender:
    """One recipe that a recommendation use case trains beside others.

    :param recipe: name of the Personalize recipe.
    :param ask: what its campaign is asked in the hold-out test; empty: it has no campaign.
    :param campaign: campaignConfig of its campaign.
    """

    key: str
    recipe: str
    ask: Literal["user", "item", "ranking", "cold", ""]
    campaign: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class RecommendationUseCase:
    """A recommendation workflow's constants; schemas are columns by dataset type."""

    name: str  # of its DAG, and of its folder in the bucket
    title: str
    datasets: Mapping[str, str]  # dataset type → the sample data's name in include.datasets
    schemas: Mapping[str, Mapping[str, str]]  # dataset type → column → Avro type, `categorical` for text
    recommenders: tuple[Recommender, ...]
    event_type: str
    published: Mapping[str, Mapping[str, float]]  # recommender → metric → value
    published_source: str
    cold_share: float  # of the items: kept out of training, for the test of new items
    holdout_share: float  # of each user's events, the newest
    sklearn_version: str = SKLEARN
    split_seed: int = 1729
    monitoring: InteractionMonitoring = field(default_factory=InteractionMonitoring)
    promotion: RecommendationPromotion = field(default_factory=RecommendationPromotion)
    instance_type: str = "ml.m5.large"
    owner: str = "ml-platform"
    tags: tuple[str, ...] = ("ml", "personalize", "recommendations")

    @property
    def sample_data(self) -> tuple[str, ...]:
        """Names of the data sets that are put into the bucket where a user has none."""
        return tuple(self.datasets.values())

    @property
    def dataset_group(self) -> str:
        """Name of the dataset group in service, and prefix of every resource in it."""
        return self.name.replace("_", "-")

    @property
    def primary(self) -> Recommender:
        """The one for users: its list decides whether a challenger is better."""
        return next(recommender for recommender in self.recommenders if recommender.ask == "user")

    @property
    def monitor_arguments(self) -> list[str]:
        """Arguments of the job script `monitor_interactions.py`, window and title left out."""
        policy = self.monitoring
        return [
            *self.log_arguments,
            *("--minimum-rows", str(policy.minimum_rows)),
            *("--watch", str(policy.watch)),
            *("--drift", str(policy.drift)),
            *("--new-share", str(policy.new_share)),
            *("--decline", str(policy.decline)),
        ]

    @property
    def log_arguments(self) -> list[str]:
        """Arguments of a job script that reads the log of interactions."""
        return ["--log-columns", *self.schemas["Interactions"]]

    def avro(self, kind: str) -> dict[str, object]:
        """The schema of a dataset type as Personalize wants it."""
        fields = [_avro_field(name, text) for name, text in self.schemas[kind].items()]
        namespace = "com.amazonaws.personalize.schema"
        record = {"type": "record", "name": kind, "namespace": namespace, "fields": fields}
        return {**record, "version": "1.0"}


def _avro_field(name: str, kind: str) -> dict[str, object]:
    if kind == "categorical":
        return {"name": name, "type": ["null", "string"], "categorical": True}
    return {"name": name, "type": kind}
