"""How an endpoint is updated.

Which members of the request are supported, and what Describe shows meanwhile.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from include.local_aws.protocol.errors import ValidationException

if TYPE_CHECKING:
    from include.local_aws.calls import Params
    from include.local_aws.state import Document


def check(params: Params) -> None:
    """Refuse what would otherwise be ignored: here all traffic goes to the new fleet at once.

    :raises ValidationException: for any other kind of deployment.
    """
    deployment = params.get("DeploymentConfig", {})
    routing = deployment.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
    if "RollingUpdatePolicy" in deployment or routing.get("Type", "ALL_AT_ONCE") != "ALL_AT_ONCE":
        raise ValidationException(
            "DeploymentConfig: the local AWS shifts traffic ALL_AT_ONCE; shift it by the weights of variants."
        )


def retains_weights(params: Params) -> bool:
    """Whether an update keeps the weights that the variants have now."""
    exclusions = params.get("ExcludeRetainedVariantProperties", [])
    is_overridden = any(entry["VariantPropertyType"] == "DesiredWeight" for entry in exclusions)
    return bool(params.get("RetainAllVariantProperties")) and not is_overridden


def pending(serving: Document) -> Document:
    """What DescribeEndpoint shows of an update in progress."""
    variants = [{"VariantName": name} for name in serving["Weights"]]
    summary = {"EndpointConfigName": serving["EndpointConfigName"], "ProductionVariants": variants}
    return {"PendingDeploymentSummary": {**summary, "StartTime": time.time()}}
