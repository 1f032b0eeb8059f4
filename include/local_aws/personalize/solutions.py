"""The operations on recipes, solutions and solution versions; trainings in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.local_aws.personalize.errors import WorkFailed, WorkStopped, invalid, not_found
from include.local_aws.personalize.recipes import RECIPES, Recipe
from include.local_aws.personalize.resources import ACTIVE, UNFINISHED

if TYPE_CHECKING:
    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.personalize.backend import Backend
    from include.local_aws.personalize.resources import Running
    from include.local_aws.state import Document

PROJECT = Path(__file__).parents[3]
POLL_SECONDS = 0.05
RECIPE_CREATION = 1543276800.0  # 2018-11-27: the recipes are as old as the service
RANGE_MEMBERS = {"integer": "integerHyperParameterRanges", "continuous": "continuousHyperParameterRanges"}
RANGE_MEMBERS |= {"categorical": "categoricalHyperParameterRanges"}
NUMBERS = ("int", "long", "float", "double")
TRIALS = 8  # of a search; the default


class Solutions:
    """The operations on recipes, solutions and solution versions."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        backend["Solution"].delete_blocker = self._blocker
        backend["Solution"].on_deleted = self._forget_versions
        backend["SolutionVersion"].on_deleted = lambda document: backend.storage.discard(
            document["solutionVersionArn"]
        )

    # ---- recipes

    def list_recipes(self, params: Params, caller: Caller) -> Output:
        domain = params.get("domain", "")
        recipes = [_recipe(recipe) for recipe in RECIPES.values() if recipe.domain == domain]
        return {"recipes": recipes}

    def describe_recipe(self, params: Params, caller: Caller) -> Output:
        """A recipe.

        :raises AwsError: ResourceNotFoundException.
        """
        return {"recipe": _recipe(find_recipe(params["recipeArn"]))}

    def describe_algorithm(self, params: Params, caller: Caller) -> Output:
        """The algorithm of a recipe.

        :raises AwsError: ResourceNotFoundException.
        """
        name = params["algorithmArn"].rpartition("/")[2]
        recipe = find_recipe(f"arn:aws:personalize:::recipe/{name}")
        algorithm = {"name": recipe.name, "algorithmArn": params["algorithmArn"]}
        return {"algorithm": algorithm | {"defaultHyperParameters": recipe.defaults}}

    # ---- solutions

    def create_solution(self, params: Params, caller: Caller) -> Output:
        """Create a solution and, with performAutoTraining, its first version.

        :raises AwsError: InvalidInputException for a recipe or configuration that is not possible.
        """
        self._backend.parents("Solution", params)
        recipe = _check_solution(params)
        automatic = params.get("performAutoTraining", True) and recipe.task != "segments"
        document = (
            {"performHPO": False, "performAutoML": False} | dict(params) | {"performAutoTraining": automatic}
        )
        work = (lambda solution: self._first_version(solution, caller)) if automatic else None
        return {"solutionArn": self._backend["Solution"].create(document, caller, work)}

    def update_solution(self, params: Params, caller: Caller) -> Output:
        solution = self._backend["Solution"].active(params["solutionArn"])
        changes = {k: params[k] for k in ("performAutoTraining", "performIncrementalUpdate") if k in params}
        update = dict(changes) | {"status": ACTIVE, "creationDateTime": time.time()}
        self._backend["Solution"].change(solution["solutionArn"], **changes, latestSolutionUpdate=update)
        return {"solutionArn": solution["solutionArn"]}

    def describe_solution(self, params: Params, caller: Caller) -> Output:
        solution = self._backend["Solution"].get(params["solutionArn"])
        versions = self._versions(solution["solutionArn"])
        newest = max(versions, key=lambda version: version["creationDateTime"], default=None)
        return {"solution": solution | ({"latestSolutionVersion": newest} if newest else {})}

    # ---- versions

    def create_solution_version(self, params: Params, caller: Caller) -> Output:
        """Train a version.

        :raises AwsError: InvalidInputException for the training mode UPDATE without a version trained with
            FULL.
        """
        solution = self._backend.parents("SolutionVersion", params)["solutionArn"]
        mode = params.get("trainingMode", "FULL")
        if mode == "UPDATE":
            self._check_update(solution)
        return {"solutionVersionArn": self._train(solution, caller, mode, "MANUAL", params.get("name"))}

    def stop_solution_version_creation(self, params: Params, caller: Caller) -> Output:
        """Stop a training.

        :raises AwsError: ResourceInUseException when it has ended.
        """
        self._backend["SolutionVersion"].stop(params["solutionVersionArn"])
        return None

    def get_solution_metrics(self, params: Params, caller: Caller) -> Output:
        version = self._backend["SolutionVersion"].active(params["solutionVersionArn"])
        return {"solutionVersionArn": params["solutionVersionArn"], "metrics": version.get("metrics", {})}

    def _train(
        self, solution: Document, caller: Caller, mode: str, kind: str, name: str | None = None
    ) -> str:
        inherited = (
            "solutionArn",
            "datasetGroupArn",
            "recipeArn",
            "eventType",
            "solutionConfig",
            "performHPO",
        )
        document = {member: solution[member] for member in inherited if member in solution}
        document |= {"trainingMode": mode, "trainingType": kind, "performAutoML": False}
        document |= {"name": name} if name else {}
        suffix = f"{solution['name']}/{name or uuid.uuid4().hex[:8]}"
        arn = caller.arn("personalize", f"solution/{suffix}")
        return self._backend["SolutionVersion"].create(document, caller, self._work, arn=arn)

    def _first_version(self, solution: Running, caller: Caller) -> None:
        """The first version of performAutoTraining: on AWS within an hour, here at once."""
        self._train(solution.document, caller, "FULL", "AUTOMATIC")

    def _check_update(self, solution: Document) -> None:
        recipe = RECIPES[solution["recipeArn"]]
        if not recipe.name.startswith("aws-user-personalization") and "hrnn-coldstart" not in recipe.name:
            raise invalid(f"The training mode UPDATE is not supported by the recipe {recipe.name}.")
        full = (v for v in self._versions(solution["solutionArn"]) if v["trainingMode"] == "FULL")
        if not any(version["status"] == ACTIVE for version in full):
            raise invalid("The training mode UPDATE needs an ACTIVE version that was trained with FULL.")

    def _versions(self, solution: str) -> list[Document]:
        return [v for v in self._backend["SolutionVersion"].documents if v["solutionArn"] == solution]

    # ---- training

    def _work(self, version: Running) -> None:
        folder = self._backend.storage.folder(version.arn)
        (folder / "request.json").write_text(
            json.dumps(training_request(self._backend, version.document, folder))
        )
        result = run_training(folder, version)
        hours = max(0.001, result["seconds"] / 3600)
        hyperparameters = {"algorithmHyperParameters": result["hyperparameters"]}
        tuned_parameters = {"tunedHPOParams": hyperparameters} if version.document.get("performHPO") else {}
        version.change(metrics=result["metrics"], trainingHours=round(hours, 3), **tuned_parameters)

    # ---- dependents

    def _blocker(self, document: Document) -> str:
        arn = document["solutionArn"]
        versions = {v["solutionVersionArn"]: v["status"] for v in self._versions(arn)}
        if busy := [v for v, status in versions.items() if status in UNFINISHED]:
            return f"The solution {arn} cannot be deleted: its version {busy[0]} is being created."
        for campaign in self._backend["Campaign"].documents:
            if campaign["solutionVersionArn"] in versions:
                return f"The solution {arn} cannot be deleted: {campaign['campaignArn']} serves its version."
        return ""

    def _forget_versions(self, document: Document) -> None:
        for version in self._versions(document["solutionArn"]):
            self._backend.storage.discard(version["solutionVersionArn"])
            self._backend["SolutionVersion"].documents.delete(version["solutionVersionArn"])


def find_recipe(arn: str) -> Recipe:
    """The recipe with an ARN.

    :raises AwsError: ResourceNotFoundException.
    """
    recipe = RECIPES.get(arn)
    if recipe is None:
        raise not_found(f"The recipe with arn {arn} does not exist.")
    return recipe


def training_request(backend: Backend, document: Document, folder: Path) -> dict[str, Any]:
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


def run_training(folder: Path, version: Running) -> dict[str, Any]:
    """Train in a process of its own; returns the content of its result.json.

    :raises WorkFailed: when the training fails; the text is its reason.
    :raises WorkStopped: when the version is stopped.
    """
    command = [sys.executable, "-m", "include.local_aws.personalize.models.training", str(folder)]
    with (folder / "training.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=PROJECT, stdout=log, stderr=log)
        try:
            while process.poll() is None:
                if version.stopped.wait(POLL_SECONDS):
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


def _recipe(recipe: Recipe) -> dict[str, Any]:
    prefix = "arn:aws:personalize:::"
    return {
        "name": recipe.name,
        "recipeArn": recipe.arn,
        "algorithmArn": f"{prefix}algorithm/{recipe.name}",
        "featureTransformationArn": f"{prefix}feature-transformation/JSON-percentile-filtering",
        "status": ACTIVE,
        "description": recipe.description,
        "recipeType": recipe.kind,
        "domain": recipe.domain or None,
        "creationDateTime": RECIPE_CREATION,
        "lastUpdatedDateTime": RECIPE_CREATION,
    }


def _check_solution(params: Params) -> Recipe:
    if params.get("performAutoML") or "recipeArn" not in params:
        raise invalid("recipeArn is required; performAutoML is no longer supported.")
    recipe, config = find_recipe(params["recipeArn"]), params.get("solutionConfig", {})
    if recipe.domain:
        raise invalid(f"{recipe.name} is a use case of recommenders, not a recipe of solutions.")
    if params.get("performHPO") and not recipe.search_ranges:
        raise invalid(f"The recipe {recipe.name} does not support HPO.")
    if unknown := sorted(set(config.get("algorithmHyperParameters", {})) - set(recipe.defaults)):
        raise invalid(f"The recipe {recipe.name} has no hyperparameter {unknown[0]}.")
    if "eventValueThreshold" in config and "eventType" not in params:
        raise invalid("eventValueThreshold needs an eventType.")
    return recipe
