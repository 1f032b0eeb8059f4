"""All use cases by name: what the monitor, the retraining, the traffic and the clean-up work on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.use_cases.churn.use_case import CHURN
from include.use_cases.movie_recommendations.use_case import MOVIES

if TYPE_CHECKING:
    from include.use_cases.definition import RecommendationUseCase, UseCase

CLASSIFIERS = {case.name: case for case in (CHURN,)}  # SageMaker: an endpoint of the use case's name
RECOMMENDERS = {case.name: case for case in (MOVIES,)}  # Personalize: campaigns of its dataset group
CASES: dict[str, UseCase | RecommendationUseCase] = {**CLASSIFIERS, **RECOMMENDERS}
