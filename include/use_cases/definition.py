"""What a use case is: data, recipe, targets. Pure data, so that a DAG file can afford to import it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

# number: scaled; category: text, one-hot encoded; ignore: not learned from; label: the answer
Kind = Literal["number", "category", "ignore", "label"]


@dataclass(frozen=True)
class Published:
    """What the original reported: the numbers to reach or beat, and where they stand."""

    metrics: Mapping[str, float]
    source: str


@dataclass(frozen=True)
class Monitoring:
    """When traffic counts as drifted, and when drift retrains (docs/drift.md says how it is measured)."""

    window_hours: float = 24.0
    minimum_rows: int = 200  # a window with fewer is no evidence, for drift or against it
    watch: float = 0.1  # distance of a column above which it is watched
    drift: float = 0.2  # ... above which it has drifted
    columns: Mapping[str, float] = field(default_factory=dict)  # a column's own `drift`
    drift_share: float = 0.1  # of the columns' importance: so much drifted is a drifted window
    rate_factor: float = 1.5  # by which the share of positive predictions may grow or shrink
    drifted_windows: int = 2  # so many drifted ...
    of_windows: int = 3  # ... of the last so many with enough rows confirm the drift
    cool_down_hours: float = 72.0  # after a retraining, drift does not start another one
    most_per_week: int = 2  # retrainings, whatever started them


@dataclass(frozen=True)
class InteractionMonitoring(Monitoring):
    """The same for what users of recommendations do; `watch` and `drift` are distances of the popularity."""

    new_share: float = 0.4  # of the events: by users, or of items, that nobody's training saw
    decline: float = 0.3  # of the hold-out metric, by which it may fall before that is drift


@dataclass(frozen=True)
class Promotion:
    """When a challenger takes the champion's place, and how."""

    metric: str = "auc"  # has to be better on the same rows
    least_gain: float = 0.005
    gates: Mapping[str, float] = field(
        default_factory=dict
    )  # least value of a metric, however bad the champion
    certainty: float = 0.9  # share of the bootstrap samples in which it has to be better
    most_loss: Mapping[str, float] = field(default_factory=dict)  # metric → so much may it be worse
    approval: Literal["auto", "manual"] = "auto"
    canary_share: float = 0.1  # of the traffic that the challenger gets first
    canary_minutes: float = 5.0
    most_errors: float = 0.01  # share of the canary's calls
    slowest_ms: float = 1000.0  # 99th percentile of the canary's answers


@dataclass(frozen=True)
class UseCase:
    """A workflow's constants. The DAG turns them into the defaults of its trigger form.

    >>> UseCase(name="churn", columns={"State": "category", "Churn?": "label"}, ...)
    """

    name: str  # prefix of every AWS resource of the workflow, and the name of its endpoint
    title: str
    dataset: str  # the sample data's name in include.datasets
    columns: Mapping[str, Kind]  # in the order of the data files
    labels: tuple[str, str]  # as they stand in the data: negative, positive
    hyperparameters: Mapping[str, str]
    published: Published
    gates: Mapping[str, float]  # least value of a metric on the test rows
    sklearn_version: str
    xgboost_version: str
    split_seed: int
    threshold: float = 0.5  # a score above it is the positive label
    monitoring: Monitoring = field(default_factory=Monitoring)
    promotion: Promotion = field(default_factory=Promotion)
    instance_type: str = "ml.m5.large"
    owner: str = "ml-platform"
    tags: tuple[str, ...] = field(default=("ml", "sagemaker"))

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

    def evaluation_arguments(self, data_source: str) -> list[str]:
        """Arguments of the job script `evaluate.py`; `data_source` (what the data is) may be a template."""
        return [
            *("--title", self.title),
            *("--label-column", self.label_column),
            *("--labels", *self.labels),
            *("--threshold", str(self.threshold)),
            *("--data-source", data_source),
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
    sklearn_version: str
    split_seed: int
    cold_share: float  # of the items: kept out of training, for the test of new items
    holdout_share: float  # of each user's events, the newest
    monitoring: InteractionMonitoring = field(default_factory=InteractionMonitoring)
    promotion: Promotion = field(default_factory=lambda: Promotion(metric="ndcg_10"))
    instance_type: str = "ml.m5.large"
    owner: str = "ml-platform"
    tags: tuple[str, ...] = field(default=("ml", "personalize"))

    @property
    def dataset_group(self) -> str:
        """Name of the dataset group in service, and prefix of every resource in it."""
        return self.name.replace("_", "-")

    @property
    def primary(self) -> Recommender:
        """The one for users: its list decides whether a challenger is better."""
        return next(one for one in self.recommenders if one.ask == "user")

    @property
    def monitor_arguments(self) -> list[str]:
        """Arguments of the job script `interactions.py`, window and title left out."""
        policy = self.monitoring
        return [
            *("--minimum-rows", str(policy.minimum_rows)),
            *("--watch", str(policy.watch)),
            *("--drift", str(policy.drift)),
            *("--new-share", str(policy.new_share)),
            *("--decline", str(policy.decline)),
        ]

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
