"""The DAG of a use case, before it has tasks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG

if TYPE_CHECKING:
    from include.use_cases.definition import RecommendationUseCase, UseCase


def use_case_dag(
    case: UseCase | RecommendationUseCase, *, doc_md: str | None, params: dict[str, Any], hours: int
) -> DAG:
    """One run at a time, started by hand or by `retraining`.

    :param hours: after which a run has failed.
    """
    return DAG(
        case.name,
        description=case.title,
        doc_md=doc_md,
        schedule=None,
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(hours=hours),
        params=params,
        tags=list(case.tags),
        default_args={"owner": case.owner, "retries": 1, "retry_delay": timedelta(seconds=30)},
    )
