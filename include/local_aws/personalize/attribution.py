"""The operations on metric attributions and tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.local_aws.personalize.errors import exists, not_found

if TYPE_CHECKING:
    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.personalize.backend import Backend


class MetricAttributions:
    """The operations on metric attributions. They are stored; no reports are written to S3."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def create_metric_attribution(self, params: Params, caller: Caller) -> Output:
        """Create a metric attribution.

        :raises AwsError: LimitExceededException when the dataset group has one.
        """
        self._backend.parents("MetricAttribution", params)
        return {"metricAttributionArn": self._backend["MetricAttribution"].create(dict(params), caller)}

    def update_metric_attribution(self, params: Params, caller: Caller) -> Output:
        """Remove, then add metrics.

        :raises AwsError: ResourceAlreadyExistsException for a metric to add that exists.
        """
        arn = params["metricAttributionArn"]
        attribution = self._backend["MetricAttribution"].active(arn)
        names_to_remove = set(params.get("removeMetrics", []))
        metrics = [metric for metric in attribution["metrics"] if metric["metricName"] not in names_to_remove]
        names = {metric["metricName"] for metric in metrics}
        for metric in params.get("addMetrics", []):
            if metric["metricName"] in names:
                raise exists(f"The metric {metric['metricName']} exists already.")
            metrics.append(metric)
        output = params.get("metricsOutputConfig", attribution["metricsOutputConfig"])
        self._backend["MetricAttribution"].change(arn, metrics=metrics, metricsOutputConfig=output)
        return {"metricAttributionArn": arn}

    def list_metric_attribution_metrics(self, params: Params, caller: Caller) -> Output:
        """The metrics of a metric attribution; default: the first one.

        :raises AwsError: ResourceNotFoundException.
        """
        arns = [d["metricAttributionArn"] for d in self._backend["MetricAttribution"].documents]
        arn = params.get("metricAttributionArn", arns[0] if arns else "")
        return {"metrics": self._backend["MetricAttribution"].get(arn)["metrics"]}


class Tags:
    """The operations on tags."""

    def __init__(self, backend: Backend) -> None:
        self._tags = backend.engine.tags

    def list_tags_for_resource(self, params: Params, caller: Caller) -> Output:
        """The tags of a resource.

        :raises AwsError: ResourceNotFoundException.
        """
        return {"tags": self._of(params["resourceArn"])}

    def tag_resource(self, params: Params, caller: Caller) -> Output:
        """Add tags to a resource, or replace their values.

        :raises AwsError: ResourceNotFoundException.
        """
        tags = {tag["tagKey"]: tag for tag in [*self._of(params["resourceArn"]), *params["tags"]]}
        self._tags.put(params["resourceArn"], {"tags": list(tags.values())})
        return None

    def untag_resource(self, params: Params, caller: Caller) -> Output:
        """Remove tags from a resource.

        :raises AwsError: ResourceNotFoundException.
        """
        tags = [tag for tag in self._of(params["resourceArn"]) if tag["tagKey"] not in params["tagKeys"]]
        self._tags.put(params["resourceArn"], {"tags": tags})
        return None

    def _of(self, arn: str) -> list[dict[str, Any]]:
        document = self._tags.get(arn)
        if document is None:
            raise not_found(f"The resource {arn} does not exist.")
        tags: list[dict[str, Any]] = document["tags"]
        return tags
