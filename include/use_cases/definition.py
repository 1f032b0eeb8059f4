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
    instance_type: str = "ml.m5.large"
    owner: str = "ml-platform"
    tags: tuple[str, ...] = field(default=("ml", "sagemaker"))

    @property
    def label_column(self) -> str:
        return next(name for name, kind in self.columns.items() if kind == "label")

    @property
    def positive_label(self) -> str:
        return self.labels[1]

    def preprocess_arguments(self, seed: str) -> list[str]:
        """Arguments of the job script `preprocess.py`; `seed` may be a template."""
        columns = [f"{kind}:{name}" for name, kind in self.columns.items()]
        return ["--seed", seed, "--labels", *self.labels, "--columns", *columns]

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

    name: str  # of the dataset group, and prefix of every resource in it
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
    instance_type: str = "ml.m5.large"
    owner: str = "ml-platform"
    tags: tuple[str, ...] = field(default=("ml", "personalize"))

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
