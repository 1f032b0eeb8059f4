"""A training of Personalize: its request, and the process that trains (see `models.training`)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.local_aws.personalize.errors import WorkFailed, WorkStopped
from include.local_aws.personalize.recipes import RECIPES, Recipe

if TYPE_CHECKING:
    from include.local_aws.personalize.backend import Backend
    from include.local_aws.personalize.engine import Running
    from include.local_aws.state import Document

PROJECT = Path(__file__).parents[3]
POLL_SECONDS = 0.05
RANGE_MEMBERS = {"integer": "integerHyperParameterRanges", "continuous": "continuousHyperParameterRanges"}
RANGE_MEMBERS |= {"categorical": "categoricalHyperParameterRanges"}
NUMBERS = ("int", "long", "float", "double")
TRIALS = 8  # of a search; the default


def train(backend: Backend, running: Running) -> dict[str, Any]:
    """Train a solution version or recommender; returns the result: metrics, hyperparameters, seconds.

    The model is written to the resource's folder.

    :raises WorkFailed: when the training fails or has no interactions; the text is the reason.
    :raises WorkStopped: when the resource is stopped.
    """
    folder = backend.storage.folder(running.arn)
    (folder / "request.json").write_text(json.dumps(_request(backend, running.document, folder)))
    return _run(folder, running)


def _request(backend: Backend, document: Document, folder: Path) -> dict[str, Any]:
    """The content of request.json, which the training process reads (see `models.training.Request`).

    :raises WorkFailed: when the dataset group has no interactions.
    """
    group, recipe = document["datasetGroupArn"], RECIPES[document["recipeArn"]]
    dataset = backend.dataset(group, "Interactions")
    if dataset is None or not dataset["files"]:
        raise WorkFailed("Create failed. The dataset group has no interactions: import them first.")
    events = folder / "events.parquet"
    files = [*backend.files(dataset), *([events] if backend.storage.write_events(group, events) else [])]
    config, schema = document.get("solutionConfig", {}), backend.schema(dataset)
    return {
        "task": recipe.task,
        "hyperparameters": recipe.defaults | config.get("algorithmHyperParameters", {}),
        "interactions": [str(file) for file in files],
        "thresholds": _thresholds(document, config),
        "columns": [column.name for column in schema.metadata if column.type == "string"],
        **(_items(backend, group, folder) if recipe.metadata else {}),
        **(_search(recipe, config.get("hpoConfig", {})) if document.get("performHPO") else {}),
    }


def _items(backend: Backend, group: str, folder: Path) -> dict[str, Any]:
    dataset = backend.dataset(group, "Items")
    if dataset is None:
        return {}
    schema = backend.schema(dataset)
    categories = [column.name for column in schema.metadata if column.categorical]
    numbers = [column.name for column in schema.columns if column.type in NUMBERS]
    backend.write_rows(group, "Items", [*categories, *numbers], folder / "items.parquet")
    return {"items": str(folder / "items.parquet"), "item_columns": categories, "item_numbers": numbers}


def _thresholds(document: Document, config: dict[str, Any]) -> dict[str, float | None]:
    """Event types to learn from, with their smallest values; None: any value."""
    parameters = config.get("eventsConfig", {}).get("eventParametersList", [])
    if parameters:
        return {
            parameter.get("eventType", ""): parameter.get("eventValueThreshold") for parameter in parameters
        }
    if "eventType" not in document and "eventValueThreshold" not in config:
        return {}
    threshold = config.get("eventValueThreshold")
    return {document.get("eventType", ""): float(threshold) if threshold else None}


def _search(recipe: Recipe, config: dict[str, Any]) -> dict[str, Any]:
    """The ranges of a search: those of the recipe, replaced by those of the request."""
    ranges: dict[str, Any] = dict(recipe.search_ranges)
    requested = config.get("algorithmHyperParameterRanges", {})
    for kind, member in RANGE_MEMBERS.items():
        for parameter in requested.get(member, []):
            bounds = (
                parameter["values"]
                if kind == "categorical"
                else [parameter["minValue"], parameter["maxValue"]]
            )
            ranges[parameter["name"]] = [kind, *bounds]
    trials = int(config.get("hpoResourceConfig", {}).get("maxNumberOfTrainingJobs", TRIALS))
    return {"search": ranges, "trials": trials}


def _run(folder: Path, running: Running) -> dict[str, Any]:
    """Train in a process of its own; returns the content of its result.json.

    :raises WorkFailed: when the training fails; the text is its reason.
    :raises WorkStopped: when the version is stopped.
    """
    command = [sys.executable, "-m", "include.local_aws.personalize.models.training", str(folder)]
    with (folder / "training.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=PROJECT, stdout=log, stderr=log)
        try:
            while process.poll() is None:
                if running.stopped.wait(POLL_SECONDS):
                    raise WorkStopped
        finally:
            process.kill()
            process.wait()
    try:
        result: dict[str, Any] = json.loads((folder / "result.json").read_text())
    except FileNotFoundError:
        log_tail = (folder / "training.log").read_text()[-2000:]
        raise WorkFailed(
            f"InternalServerError: the training ended with exit code {process.returncode}. {log_tail}"
        ) from None
    if "error" in result:
        raise WorkFailed(result["error"])
    return result
