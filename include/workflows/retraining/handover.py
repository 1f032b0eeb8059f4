"""What the steps of a retraining hand on: dictionaries in XCom, dataclasses inside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from aws_ml.names import run_key
from include.use_cases.catalogue import CLASSIFIERS, RECOMMENDERS
from include.workflows.classification.registry import Version
from include.workflows.recommendation.campaigns import RunRecord, Served

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.aws.sagemaker_requests import Config
    from include.use_cases.definition import RecommendationUseCase, UseCase
    from include.workflows.classification.registry import VersionDict
    from include.workflows.recommendation.campaigns import ServedDict

CHAMPION, CHALLENGER = "champion", "challenger"
SIDES = (CHAMPION, CHALLENGER)
OutcomeName = Literal["not started", "rejected", "refused", "rolled back", "promoted", "failed"]


class CauseDict(TypedDict):
    """Why a retraining was asked for."""

    use_case: str
    kind: Literal["drift", "schedule", "manual"]
    report: dict[str, Any]  # of the drift


class VerdictDict(TypedDict):
    """A `policy.Decision` in XCom."""

    yes: bool
    why: str


class PlanDict(TypedDict):
    """A `Plan` in XCom, without its champion, which is a version of the registry or what campaigns serve."""

    folder: str
    training_run: str
    learned_until: str  # what came before is in the challenger's data, ISO 8601
    conf: dict[str, Any]


class ClassifierPlanDict(PlanDict):
    """What `plan` of a classifier returns."""

    champion: VersionDict
    assemble: Config


class RecommenderPlanDict(PlanDict):
    """What `plan` of a recommender returns."""

    champion: ServedDict
    join: Config


class ClassifierMatchDict(TypedDict):
    """What `contest` of a classifier returns: the challenger, and the requests that score both models."""

    challenger: VersionDict
    holdout: Config
    champion_scores: Config
    challenger_scores: Config
    comparison: Config


class ChallengerRunDict(RunRecord):
    """A recommender's challenger: its run, and the version of its primary recommender."""

    arn: str


class RecommenderMatchDict(TypedDict):
    """What `contest` of a recommender returns: the challenger, and the requests of both lists."""

    challenger: ChallengerRunDict
    champion_lists: Config
    challenger_lists: Config
    comparison: Config


class UpdateDict(TypedDict):
    """The configuration that an endpoint is to serve, as UpdateEndpoint takes it."""

    EndpointName: str
    EndpointConfigName: str


class ShiftDict(TypedDict):
    """What `shift` returns: new configurations, and the updates of the endpoint."""

    canary_config: Config  # both models, the challenger with little traffic
    final_config: Config  # the challenger alone
    canary: UpdateDict
    final: UpdateDict
    roll_back: UpdateDict  # what serves now


class GateDict(TypedDict):
    """What `gate` returns where the challenger may take over."""

    why: str
    question: str  # Markdown, for the approval
    report: str  # S3 URI of the comparison


class DecisionDict(TypedDict):
    """`decision.json`, and what `decide` returns."""

    version: str
    use_case: str
    moment: str  # when the retraining was due, ISO 8601
    outcome: OutcomeName
    why: str
    cause: CauseDict
    trained: bool
    champion: VersionDict | ServedDict | None
    challenger: VersionDict | ChallengerRunDict | None
    comparison: str | None  # S3 URI
    run: str  # run id


@dataclass(frozen=True)
class Plan:
    """A challenger that is to be trained, and the model that it has to beat."""

    champion: Version | Served
    folder: str  # S3 URI of what the retraining leaves
    training_run: str  # run id of the use case's DAG

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Plan:
        """From XCom: a champion with `data` is served by campaigns, another one is a registered version."""
        kind = RecommenderPlan if "data" in content["champion"] else ClassifierPlan
        return kind.of(content)


@dataclass(frozen=True)
class ClassifierPlan(Plan):
    """The plan for a classifier."""

    champion: Version

    @property
    def case(self) -> UseCase:
        return CLASSIFIERS[self.champion.use_case]

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> ClassifierPlan:
        """From XCom."""
        return cls(Version.from_dict(content["champion"]), content["folder"], content["training_run"])


@dataclass(frozen=True)
class RecommenderPlan(Plan):
    """The plan for a recommendation use case."""

    champion: Served

    @property
    def case(self) -> RecommendationUseCase:
        return RECOMMENDERS[self.champion.use_case]

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> RecommenderPlan:
        """From XCom."""
        return cls(Served.from_dict(content["champion"]), content["folder"], content["training_run"])


@dataclass(frozen=True)
class ChallengerRun:
    """A recommender's challenger: the run that trained it."""

    arn: str  # of its primary recommender's version
    run: str  # S3 URI
    versions: dict[str, str]  # ARN by recommender

    @classmethod
    def of(cls, contest: RecommenderMatchDict) -> ChallengerRun:
        """From XCom."""
        challenger = contest["challenger"]
        return cls(challenger["arn"], challenger["run"], challenger["versions"])


def challenger_version(contest: ClassifierMatchDict) -> Version:
    """A classifier's challenger, from XCom."""
    return Version.from_dict(contest["challenger"])


def training_run(context: Any) -> str:
    """The id of the challenger's run, a function of the retraining's own run."""
    return f"{context['dag'].dag_id}__{run_key(context['dag_run'])}"


def learned_until(context: Any, since: datetime) -> datetime:
    """Until when what came is learned from: a little less than now, so that all of it has reached S3.

    A label whose request is not there yet would else fit none, now, and be old for the next retraining.

    :param since: until when the champion has learned.
    """
    due: datetime = context["dag_run"].run_after
    return max(since, due - timedelta(minutes=context["params"]["settle_minutes"]))


@dataclass(frozen=True)
class Decision:
    """What came of a retraining, and the reason in words."""

    name: OutcomeName
    why: str

    @property
    def is_bad(self) -> bool:
        """Whether people should look."""
        return self.name in ("rolled back", "failed")
