"""The operations on recipes, solutions and solution versions."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

from include.local_aws.personalize import checks
from include.local_aws.personalize.errors import invalid, not_found
from include.local_aws.personalize.recipes import RECIPES, Recipe
from include.local_aws.personalize.resources import ACTIVE, UNFINISHED
from include.local_aws.personalize.trainings import train

if TYPE_CHECKING:
    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.personalize.backend import Backend
    from include.local_aws.personalize.engine import Running
    from include.local_aws.state import Document

RECIPE_CREATION = 1543276800.0  # 2018-11-27: the recipes are as old as the service


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
        """The recipes of a domain, or those of solutions."""
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
        """Change the automatic training of a solution.

        :raises AwsError: ResourceNotFoundException; ResourceInUseException.
        """
        solution = self._backend["Solution"].active(params["solutionArn"])
        changes = {k: params[k] for k in ("performAutoTraining", "performIncrementalUpdate") if k in params}
        update = dict(changes) | {"status": ACTIVE, "creationDateTime": time.time()}
        self._backend["Solution"].change(solution["solutionArn"], **changes, latestSolutionUpdate=update)
        return {"solutionArn": solution["solutionArn"]}

    def describe_solution(self, params: Params, caller: Caller) -> Output:
        """A solution with its newest version.

        :raises AwsError: ResourceNotFoundException.
        """
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
        """The metrics of a trained version.

        :raises AwsError: ResourceNotFoundException; ResourceInUseException during the training.
        """
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
        result = train(self._backend, version)
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
    checks.hyperparameters(recipe, config.get("algorithmHyperParameters", {}))
    checks.search(recipe, config.get("hpoConfig", {}))
    if "eventValueThreshold" in config:
        if "eventType" not in params:
            raise invalid("eventValueThreshold needs an eventType.")
        checks.number("eventValueThreshold", config["eventValueThreshold"])
    for parameter in config.get("eventsConfig", {}).get("eventParametersList", []):
        if "eventValueThreshold" in parameter:
            checks.number("eventValueThreshold", parameter["eventValueThreshold"])
    return recipe
