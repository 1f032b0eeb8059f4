"""The service personalize-runtime: recommendations and rankings in real time."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from include.local_aws.personalize.errors import invalid, not_found
from include.local_aws.personalize.resources import ACTIVE
from include.local_aws.personalize.serving import RESULTS, Query

if TYPE_CHECKING:
    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.personalize.backend import Backend
    from include.local_aws.personalize.serving import Answer, Serving
    from include.local_aws.state import Document

MOST_RESULTS, MOST_WITH_METADATA, MOST_RANKED = 500, 50, 500


class Runtime:
    """The operations GetRecommendations and GetPersonalizedRanking."""

    def __init__(self, backend: Backend, serving: Serving) -> None:
        self._backend, self._serving = backend, serving

    def get_recommendations(self, params: Params, caller: Caller) -> Output:
        """Items for a user or like an item.

        :raises AwsError: ResourceNotFoundException for a campaign or recommender that is not ACTIVE;
            InvalidInputException for a request that the recipe or the filter does not allow.
        """
        source, version, arn = self._target(params)
        query = self._query(params, source)
        answers = self._serving.recommend(version, arn, query)
        for promotion in params.get("promotions", []):
            answers = self._with_promotion(answers, promotion, version, arn, query)
        items = self._item_list(answers, params, source, version)
        return {"itemList": items, "recommendationId": f"RID-{uuid.uuid4()}"}

    def get_personalized_ranking(self, params: Params, caller: Caller) -> Output:
        """A list of items in the user's order.

        :raises AwsError: ResourceNotFoundException for a campaign that is not ACTIVE; InvalidInputException
            for an empty or too long list and for a recipe that does not rank.
        """
        source, version, arn = self._target(params)
        if not 1 <= len(params["inputList"]) <= MOST_RANKED:
            raise invalid(f"inputList has to have 1 to {MOST_RANKED} items.")
        answers = self._serving.rank(version, arn, self._query(params, source))
        items = self._item_list(answers, params, source, version)
        return {"personalizedRanking": items, "recommendationId": f"RID-{uuid.uuid4()}"}

    def _target(self, params: Params) -> tuple[Document, Document, str]:
        """Campaign or recommender, the trained document that it serves, and the ARN of its training."""
        if ("campaignArn" in params) == ("recommenderArn" in params):
            raise invalid("Give either campaignArn or recommenderArn.")
        word = "Campaign" if "campaignArn" in params else "Recommender"
        arn = params.get("campaignArn") or params["recommenderArn"]
        source = self._backend[word].get(arn)
        if source["status"] != ACTIVE:
            raise not_found(f"{arn} is not ACTIVE; it is {source['status']}.")
        if word == "Recommender":
            return source, source, arn
        version = self._backend["SolutionVersion"].get(source["solutionVersionArn"])
        return source, version, version["solutionVersionArn"]

    def _query(self, params: Params, source: Document) -> Query:
        config = source.get("campaignConfig") or source.get("recommenderConfig") or {}
        most = MOST_WITH_METADATA if params.get("metadataColumns") else MOST_RESULTS
        results = params.get("numResults", RESULTS)
        if results > most:
            raise invalid(f"numResults is {results}; at most {most} are possible.")
        return Query(
            user=params.get("userId"),
            item=params.get("itemId"),
            items=params.get("inputList", []),
            results=results or RESULTS,
            context=params.get("context", {}),
            filter=params.get("filterArn"),
            values=params.get("filterValues", {}),
            config=config.get("itemExplorationConfig", {}),
        )

    def _with_promotion(
        self, answers: Answer, promotion: dict[str, Any], version: Document, arn: str, query: Query
    ) -> Answer:
        """The answers with promoted items, those that the promotion's filter allows, at regular positions."""
        share = promotion.get("percentPromotedItems", 100)
        promotion_query = Query(
            **{
                **vars(query),
                "filter": promotion.get("filterArn"),
                "values": promotion.get("filterValues", {}),
            }
        )
        promoted = self._serving.recommend(version, arn, promotion_query)[
            : max(1, round(len(answers) * share / 100))
        ]
        names = {name for name, _ in promoted}
        ordinary = [answer for answer in answers if answer[0] not in names][: len(answers) - len(promoted)]
        every = max(1, round(100 / share))
        mixed: Answer = []
        while promoted or ordinary:
            take_promoted = promoted and (not ordinary or len(mixed) % every == 0)
            mixed.append(promoted.pop(0) if take_promoted else ordinary.pop(0))
        return mixed

    def _item_list(
        self, answers: Answer, params: Params, source: Document, version: Document
    ) -> list[dict[str, Any]]:
        columns = params.get("metadataColumns", {}).get("ITEMS", [])
        config = source.get("campaignConfig") or source.get("recommenderConfig") or {}
        if columns and not config.get("enableMetadataWithRecommendations"):
            raise invalid("The campaign was not created with enableMetadataWithRecommendations.")
        group = version["datasetGroupArn"]
        return [
            {"itemId": name, "score": score}
            | ({"metadata": self._serving.metadata(group, name, columns)} if columns else {})
            for name, score in answers
        ]
