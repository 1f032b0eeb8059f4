"""All use cases by name: what the monitor, the retraining, the traffic and the clean-up work on."""

from __future__ import annotations

from include.use_cases.churn.use_case import CHURN

CLASSIFIERS = {case.name: case for case in (CHURN,)}  # SageMaker: an endpoint of the use case's name
