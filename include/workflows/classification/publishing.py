"""Announce a finished model: the asset event carries its metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, TriggerRule, task

from include.workflows.common.s3_documents import read_json

if TYPE_CHECKING:
    from airflow.sdk import XComArg


def publish(use_case: str, model_name: str, run_uri: str, data_source: str) -> XComArg:
    """A task that emits the asset `model/<use case>`; it also runs where the deployment was skipped.

    :param run_uri: S3 URI of the run; its `evaluation/evaluation.json` holds the metrics.
    """
    model = Asset(f"model/{use_case}")

    @task(task_id="publish", outlets=[model], trigger_rule=TriggerRule.NONE_FAILED)
    def announce(model_name: str, run_uri: str, data_source: str, **context: Any) -> dict[str, Any]:
        """Put what the run achieved on the asset event, and return it."""
        metrics = read_json(f"{run_uri}/evaluation/evaluation.json")["binary_classification_metrics"]
        verified = context["ti"].xcom_pull(task_ids="deploy.verify")
        results = {
            "use_case": use_case,
            "run": run_uri.rsplit("/", 1)[-1],
            "model": model_name,
            "endpoint": use_case if verified else None,
            "evaluation": f"{run_uri}/evaluation",
            "data_source": data_source,
            "metrics": {name: entry["value"] for name, entry in metrics.items() if _is_number(entry)},
        }
        context["outlet_events"][model].extra = results
        return {**results, "verified": verified}

    return announce(model_name, run_uri, data_source)


def _is_number(entry: dict[str, Any]) -> bool:
    return isinstance(entry.get("value"), int | float)
