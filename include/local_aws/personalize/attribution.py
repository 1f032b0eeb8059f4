"""Metric attributions, and the tags of all resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.local_aws.personalize.errors import exists, not_found

if TYPE_CHECKING:
    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.personalize.backend import Backend


class MetricAttributions:
    """The operations on metric attributions. They are kept; reports are not written to S3 here."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def create_metric_attribution(self, params: Params, caller: Caller) -> Output:
        self._backend.parents("MetricAttribution", params)
        return {"metricAttributionArn": self._backend["MetricAttribution"].create(dict(params), caller)}

    def update_metric_attribution(self, params: Params, caller: Caller) -> Output:
        arn = params["metricAttributionArn"]
        found = self._backend["MetricAttribution"].active(arn)
        removed = set(params.get("removeMetrics", []))
        metrics = [one for one in found["metrics"] if one["metricName"] not in removed]
        names = {one["metricName"] for one in metrics}
        for one in params.get("addMetrics", []):
            if one["metricName"] in names:
                raise exists(f"The metric {one['metricName']} exists already.")
            metrics.append(one)
        output = params.get("metricsOutputConfig", found["metricsOutputConfig"])
        self._backend["MetricAttribution"].change(arn, metrics=metrics, metricsOutputConfig=output)
        return {"metricAttributionArn": arn}

    def list_metric_attribution_metrics(self, params: Params, caller: Caller) -> Output:
        arns = [d["metricAttributionArn"] for d in self._backend["MetricAttribution"].documents]
        wanted = params.get("metricAttributionArn", arns[0] if arns else "")
        return {"metrics": self._backend["MetricAttribution"].get(wanted)["metrics"]}


class Tags:
    """The operations on tags."""

    def __init__(self, backend: Backend) -> None:
        self._tags = backend.engine.tags

    def list_tags_for_resource(self, params: Params, caller: Caller) -> Output:
        return {"tags": self._of(params["resourceArn"])}

    def tag_resource(self, params: Params, caller: Caller) -> Output:
        tags = {tag["tagKey"]: tag for tag in [*self._of(params["resourceArn"]), *params["tags"]]}
        self._tags.put(params["resourceArn"], {"tags": list(tags.values())})
        return None

    def untag_resource(self, params: Params, caller: Caller) -> Output:
        kept = [tag for tag in self._of(params["resourceArn"]) if tag["tagKey"] not in params["tagKeys"]]
        self._tags.put(params["resourceArn"], {"tags": kept})
        return None

    def _of(self, arn: str) -> list[dict[str, Any]]:
        document = self._tags.get(arn)
        if document is None:
            raise not_found(f"The resource {arn} does not exist.")
        tags: list[dict[str, Any]] = document["tags"]
        return tags
