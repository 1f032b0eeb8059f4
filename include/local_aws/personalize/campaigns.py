"""The operations on campaigns and recommenders, which serve trained versions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from include.local_aws.personalize import checks
from include.local_aws.personalize.errors import in_use, invalid
from include.local_aws.personalize.recipes import RECIPES
from include.local_aws.personalize.resources import (
    ACTIVE,
    FAILED,
    IN_PROGRESS,
    INTERRUPTED,
    PENDING,
    UNFINISHED,
)
from include.local_aws.personalize.solutions import find_recipe
from include.local_aws.personalize.trainings import train

if TYPE_CHECKING:
    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.personalize.backend import Backend
    from include.local_aws.personalize.engine import Running
    from include.local_aws.personalize.serving import Serving
    from include.local_aws.state import Document

UPDATED = ("solutionVersionArn", "minProvisionedTPS", "campaignConfig")
INACTIVE, STOPPING, STARTING = "INACTIVE", "STOP PENDING", "START PENDING"


class Campaigns:
    """The operations on campaigns.

    During an update the status of a campaign stays ACTIVE and the old version answers; only
    latestCampaignUpdate has the status of the update.
    """

    def __init__(self, backend: Backend, serving: Serving) -> None:
        self._backend, self._serving = backend, serving
        backend["Campaign"].delete_blocker = lambda document: (
            f"The campaign {document['campaignArn']} is being updated." if _updating(document) else ""
        )

    def recover(self) -> None:
        """Set updates that a restart interrupted to failed; the old version answers."""
        for campaign in list(self._backend["Campaign"].documents):
            if _updating(campaign):
                self._set_update_status(campaign["campaignArn"], FAILED, INTERRUPTED)

    def create_campaign(self, params: Params, caller: Caller) -> Output:
        """Deploy a solution version.

        :raises AwsError: InvalidInputException for a version of a recipe for segments.
        """
        version = self._backend.parents("Campaign", params)["solutionVersionArn"]
        _check_serves(version)
        checks.exploration(params.get("campaignConfig", {}))
        document = (
            {"minProvisionedTPS": 1}
            | dict(params)
            | {member: version[member] for member in ("datasetGroupArn", "solutionArn")}
        )
        return {"campaignArn": self._backend["Campaign"].create(document, caller, self._load)}

    def update_campaign(self, params: Params, caller: Caller) -> Output:
        """Deploy another version or configuration.

        :raises AwsError: ResourceInUseException while the campaign is being created or updated.
        """
        arn = params["campaignArn"]
        checks.exploration(params.get("campaignConfig", {}))
        with self._backend.engine.state.transaction():
            campaign = self._backend["Campaign"].get(arn)
            if campaign["status"] not in (ACTIVE, FAILED) or _updating(campaign):
                raise in_use(f"The campaign {arn} is being changed already; wait until it is ACTIVE.")
            update = {member: params.get(member, campaign.get(member)) for member in UPDATED}
            _check_serves(self._backend["SolutionVersion"].active(str(update["solutionVersionArn"])))
            now = time.time()
            update = {k: v for k, v in update.items() if v is not None} | {"creationDateTime": now}
            self._backend["Campaign"].change(arn, latestCampaignUpdate=update | {"status": PENDING})
        self._backend.engine.spawn(lambda: self._update(arn, update))
        return {"campaignArn": arn}

    def _load(self, campaign: Running) -> None:
        self._serving.model(campaign.document["solutionVersionArn"])

    def _update(self, arn: str, update: dict[str, Any]) -> None:
        self._backend.engine.pause()
        self._set_update_status(arn, IN_PROGRESS)
        self._backend.engine.pause()
        try:
            self._serving.model(update["solutionVersionArn"])
        except OSError as error:
            self._set_update_status(arn, FAILED, f"The version cannot be loaded: {error}")
            return
        if not self._backend.engine.closing.is_set():
            members = {member: update[member] for member in UPDATED if member in update}
            self._backend["Campaign"].change(arn, **members, status=ACTIVE)
            self._set_update_status(arn, ACTIVE)

    def _set_update_status(self, arn: str, status: str, reason: str = "") -> None:
        def apply(document: Document) -> None:
            update = document["latestCampaignUpdate"] | {"status": status, "lastUpdatedDateTime": time.time()}
            document["latestCampaignUpdate"] = update | ({"failureReason": reason} if reason else {})

        self._backend["Campaign"].documents.update(arn, apply)


class Recommenders:
    """The operations on recommenders, which train and serve a use case of a domain."""

    def __init__(self, backend: Backend, serving: Serving) -> None:
        self._backend, self._serving = backend, serving
        backend["Recommender"].on_deleted = lambda document: backend.storage.discard(
            document["recommenderArn"]
        )

    def recover(self) -> None:
        """Finish starts and stops that a restart interrupted."""
        for recommender in list(self._backend["Recommender"].documents):
            final = {STOPPING: INACTIVE, STARTING: ACTIVE}.get(recommender["status"])
            if final:
                self._backend["Recommender"].change(recommender["recommenderArn"], status=final)

    def create_recommender(self, params: Params, caller: Caller) -> Output:
        """Train and serve a use case of a domain.

        :raises AwsError: InvalidInputException for a recipe of another domain.
        """
        group = self._backend.parents("Recommender", params)["datasetGroupArn"]
        recipe = find_recipe(params["recipeArn"])
        if not recipe.domain or recipe.domain != group.get("domain"):
            raise invalid(f"{recipe.name} is not a use case of the dataset group's domain.")
        checks.exploration(params.get("recommenderConfig", {}))
        return {"recommenderArn": self._backend["Recommender"].create(dict(params), caller, self._train)}

    def update_recommender(self, params: Params, caller: Caller) -> Output:
        """Change the configuration of a recommender.

        :raises AwsError: ResourceInUseException while it is being created.
        """
        arn, config = params["recommenderArn"], params["recommenderConfig"]
        checks.exploration(config)
        self._backend["Recommender"].active(arn)
        update = {"recommenderConfig": config, "status": ACTIVE, "creationDateTime": time.time()}
        self._backend["Recommender"].change(arn, recommenderConfig=config, latestRecommenderUpdate=update)
        return {"recommenderArn": arn}

    def start_recommender(self, params: Params, caller: Caller) -> Output:
        """Start a stopped recommender.

        :raises AwsError: ResourceInUseException when it is not INACTIVE.
        """
        return self._switch(params["recommenderArn"], INACTIVE, STARTING, ACTIVE)

    def stop_recommender(self, params: Params, caller: Caller) -> Output:
        """Stop a recommender.

        :raises AwsError: ResourceInUseException when it is not ACTIVE.
        """
        return self._switch(params["recommenderArn"], ACTIVE, STOPPING, INACTIVE)

    def _train(self, recommender: Running) -> None:
        recommender.change(modelMetrics=train(self._backend, recommender)["metrics"])

    def _switch(self, arn: str, before: str, during: str, after: str) -> Output:
        if (status := self._backend["Recommender"].get(arn)["status"]) != before:
            raise in_use(f"The recommender {arn} is {status}; it has to be {before}.")
        self._backend["Recommender"].change(arn, status=during)
        self._backend.engine.spawn(lambda: self._finish_switch(arn, after))
        return {"recommenderArn": arn}

    def _finish_switch(self, arn: str, status: str) -> None:
        self._backend.engine.pause()
        self._backend["Recommender"].change(arn, status=status)


def _updating(campaign: Document) -> bool:
    return campaign.get("latestCampaignUpdate", {}).get("status") in UNFINISHED


def _check_serves(version: Document) -> None:
    recipe = RECIPES[version["recipeArn"]]
    if recipe.task == "segments":
        raise invalid(f"The recipe {recipe.name} serves batch segment jobs, not campaigns.")
