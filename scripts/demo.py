"""`make demo`: run the churn workflow in Airflow on the local AWS and show what came out.

Starts what does not run yet, and stops what it started. Results stay: the next run reuses everything, and
`make up` shows this run in Airflow's UI.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from include.use_cases.churn.use_case import CHURN
from scripts import local_settings as local
from scripts import stack
from scripts.airflow_api import AirflowApi, AirflowApiError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from include.use_cases.definition import UseCase

console = Console(highlight=False, soft_wrap=True)  # addresses stay whole where they are copied

MARKS = {
    "success": "[green]✔[/]",
    "failed": "[red]✘[/]",
    "upstream_failed": "[red]·[/]",
    "skipped": "[dim]-[/]",
}
SHOWN_METRICS = {
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "auc": "ROC AUC",
    "pr_auc": "PR AUC",
}


class DemoError(RuntimeError):
    """The workflow did not succeed; the text names the task and shows the end of its log."""


def seconds(task: dict[str, Any]) -> str:
    """How long a task took, or has taken so far."""
    if not task.get("start_date"):
        return ""
    end = task.get("end_date") or datetime.now().astimezone().isoformat()
    taken = datetime.fromisoformat(end) - datetime.fromisoformat(task["start_date"])
    return f"{max(taken.total_seconds(), 0):.1f} s"


def task_table(tasks: Sequence[dict[str, Any]]) -> Table:
    """One line a task, in the order in which they started."""
    table = Table(box=None, padding=(0, 2))
    for title, justify in (("", "left"), ("task", "left"), ("state", "left"), ("time", "right")):
        table.add_column(title, justify=justify)  # type: ignore[arg-type]
    for task in sorted(tasks, key=lambda task: task.get("start_date") or "~"):
        state = task["state"] or "waiting"
        table.add_row(MARKS.get(state, " "), task["task_id"], state.replace("_", " "), seconds(task))
    return table


def run_workflow(api: AirflowApi, dag_id: str) -> str:
    """Trigger the DAG and show its progress; returns the run's id, raises DemoError when it fails."""
    api.wait_for_dag(dag_id)
    run_id = api.trigger(dag_id, {})
    tasks: list[dict[str, Any]] = []
    if console.is_terminal:
        with Live(console=console, refresh_per_second=4) as live:
            for tasks in api.follow(dag_id, run_id):
                live.update(task_table(tasks))
    else:
        tasks = _follow_in_lines(api, dag_id, run_id)
    if failed := [task for task in tasks if task["state"] == "failed"]:
        raise DemoError(f"The task {failed[0]['task_id']} failed:\n{api.log(dag_id, run_id, failed[0])}")
    return run_id


def _follow_in_lines(api: AirflowApi, dag_id: str, run_id: str) -> list[dict[str, Any]]:
    """Progress for a log file: one line for each task that finishes."""
    printed: set[str] = set()
    tasks: list[dict[str, Any]] = []
    for tasks in api.follow(dag_id, run_id):
        for task in tasks:
            if task["state"] in MARKS and task["task_id"] not in printed:
                printed.add(task["task_id"])
                console.print(f"  {MARKS[task['state']]} {task['task_id']:36} {seconds(task):>8}")
    return tasks


def fetch_results(published: dict[str, Any], folder: Path, aws_url: str) -> dict[str, Any]:
    """Download the run's report and evaluation from S3; returns the evaluation."""
    import boto3

    s3 = boto3.Session("local", "local", region_name=local.REGION).client("s3", endpoint_url=aws_url)
    folder.mkdir(parents=True, exist_ok=True)
    bucket, prefix = published["evaluation"].removeprefix("s3://").split("/", 1)
    for name in ("evaluation.json", "report.html"):
        s3.download_file(bucket, f"{prefix}/{name}", str(folder / name))
    evaluation: dict[str, Any] = json.loads((folder / "evaluation.json").read_text())
    return evaluation


def metrics_table(metrics: dict[str, Any]) -> Table:
    """Our metrics beside the published ones."""
    table = Table(box=None, padding=(0, 2))
    for title in ("metric", "ours", "published"):
        table.add_column(title, justify="left" if title == "metric" else "right")
    for key, title in SHOWN_METRICS.items():
        theirs = CHURN.published.metrics.get(key)
        table.add_row(title, f"{metrics[key]['value']:.4f}", "-" if theirs is None else f"{theirs:.4f}")
    return table


def confusion_table(matrix: dict[str, dict[str, int]], classes: tuple[str, str]) -> Table:
    """Rows are the truth, columns the prediction."""
    table = Table(box=None, padding=(0, 2))
    for title in ("", *(f"predicted {word}" for word in classes)):
        table.add_column(title, justify="right" if title else "left")
    for actual, word in zip("01", classes, strict=True):
        table.add_row(f"really {word}", str(matrix[actual]["0"]), str(matrix[actual]["1"]))
    return table


def gates_line(gates: dict[str, dict[str, Any]]) -> str:
    """Which gates the model reached or missed."""
    marks = (
        f"{metric} ≥ {gate['least']:g} {'[green]✔[/]' if gate['passed'] else '[red]✘[/]'}"
        for metric, gate in gates.items()
    )
    return "  ".join(marks) or "none"


def live_prediction(verified: dict[str, Any], case: UseCase) -> str:
    """The endpoint's answer for a row, in the words of the use case."""
    label, score = verified["answer"].split(",")
    predicted = dict(zip(case.labels, case.class_names, strict=True))[label]
    inputs = [name for name, kind in case.columns.items() if kind != "label"]
    row = dict(zip(inputs, next(csv.reader([verified["request"]])), strict=True))
    beginning = ", ".join(f"{name} {row[name]}" for name in inputs[:3])
    return (
        f"a row ({beginning}, ...): {predicted} (score {float(score):.3f})\n"
        f"the endpoint answered {verified['rows']} rows exactly as the batch transform did"
    )


def show_summary(published: dict[str, Any], evaluation: dict[str, Any], report: Path) -> None:
    """What a newcomer wants to know after the run."""
    metrics = evaluation["binary_classification_metrics"]
    source = published["data_source"]
    caution = " (not comparable with the published numbers)" if source.startswith("generated") else ""
    console.print(f"\n[bold]Data[/]  {source}{caution}")
    console.print("\n[bold]Test rows, by their true class[/]")
    console.print(confusion_table(metrics["confusion_matrix"], CHURN.class_names))
    console.print()
    console.print(metrics_table(metrics))
    console.print(f"\n[bold]Gates[/]  {gates_line(evaluation['gates'])}")
    if published["verified"]:
        console.print(f"\n[bold]Live prediction[/]  {live_prediction(published['verified'], CHURN)}")
    else:
        console.print("\n[bold]Not deployed[/]  the model missed a gate: see the report")
    console.print(f"\n[bold]Report[/]  {report.as_uri()}")
    console.print("[bold]Go on[/]   make up: Airflow's UI with this run in it, and the endpoint to call\n")


def demo() -> None:
    """Start what does not run, run the workflow, show the results."""
    with console.status("Starting the local AWS ...", spinner="dots"):
        aws = stack.start_aws()
    console.print(f"Local AWS  {aws.url}")
    with console.status("Starting Airflow (15 seconds or so; longer the first time) ...", spinner="dots"):
        airflow = stack.start_airflow(aws)
    console.print(f"Airflow    {airflow.url}   user admin, password {stack.password()}\n")
    with AirflowApi(airflow.url, "admin", stack.password()) as api:
        run_id = run_workflow(api, CHURN.name)
        published = api.result(CHURN.name, run_id, "publish")
    folder = local.RUN / "reports" / CHURN.name / published["run"]
    show_summary(published, fetch_results(published, folder, aws.url), folder / "report.html")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.parse_args(argv)
    local.forget_aws()
    ran_before = stack.running()
    try:
        demo()
    except (stack.StackError, AirflowApiError, DemoError) as error:
        console.print(f"\n[red]{error}[/]", markup=True)
        return 1
    finally:
        if not ran_before:
            stack.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
