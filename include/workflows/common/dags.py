"""What the DAGs of the project share: the bucket, default arguments, and the DAG of a use case."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Param

if TYPE_CHECKING:
    from collections.abc import Iterable

    from include.use_cases.definition import RecommendationUseCase, UseCase

BUCKET = "{{ var.value.ml_bucket }}"


def default_args(owner: str = "ml-platform") -> dict[str, Any]:
    """The arguments of every task."""
    return {"owner": owner, "retries": 1, "retry_delay": timedelta(seconds=30)}


def use_cases_param(names: Iterable[str]) -> Param:
    """The param `use_cases`: all of them, unless the trigger form says otherwise; at least one."""
    options = list(names)
    return Param(
        options, type="array", items={"enum": options}, minItems=1, examples=options, title="Use cases"
    )


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
        default_args=default_args(case.owner),
    )
