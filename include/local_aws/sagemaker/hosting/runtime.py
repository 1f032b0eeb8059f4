"""InvokeEndpoint: chooses variant and container, and returns their answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from include.local_aws.protocol.errors import AwsError
from include.local_aws.sagemaker.hosting.capture import DataCapture, Exchange
from include.local_aws.sagemaker.hosting.serving import CUSTOM_ATTRIBUTES, INVOCATION_SECONDS

if TYPE_CHECKING:
    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.sagemaker.hosting.endpoints import Endpoints
    from include.local_aws.sagemaker.hosting.fleet import Fleet
    from include.local_aws.sagemaker.hosting.serving import Answer

SERVES = ("InService", "Updating", "RollingBack", "SystemUpdating")
DEFAULT_TYPE = "application/octet-stream"


class InvalidInvocation(AwsError):
    """A request that does not reach a container."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationError", message)


class Runtime:
    """The operations of `sagemaker-runtime`."""

    def __init__(self, endpoints: Endpoints, capture: DataCapture) -> None:
        self._endpoints, self._capture = endpoints, capture

    def invoke_endpoint(self, params: Params, caller: Caller) -> Output:
        """Send a request to an endpoint's model.

        :raises InvalidInvocation: for an endpoint or variant that does not exist or is not in service.
        :raises AwsError: ModelError (424) when a container answers with an error; ServiceUnavailable (503)
            when the endpoint is still being brought up.
        """
        name = params["EndpointName"]
        document = self._endpoints.get(name)
        if document is None:
            raise InvalidInvocation(f"Endpoint {name} of account {caller.account} not found.")
        if document["EndpointStatus"] not in SERVES:
            raise InvalidInvocation(f"Endpoint {name} of account {caller.account} is not in service.")
        moment = time.time()
        with self._endpoints.serving(name, INVOCATION_SECONDS) as fleet:
            if fleet is None:
                raise AwsError("ServiceUnavailable", f"Endpoint {name} is still coming up.", status=503)
            variant = self._variant(params, fleet)
            answer = self._send(fleet, variant, params)
        if answer.status >= 400:
            raise self._model_error(answer, fleet, variant)
        self._capture.record(fleet.config, self._exchange(params, variant, answer, moment))
        return {
            "Body": answer.body,
            "ContentType": answer.content_type,
            "InvokedProductionVariant": variant,
            "CustomAttributes": answer.headers.get(CUSTOM_ATTRIBUTES),
        }

    @staticmethod
    def _variant(params: Params, fleet: Fleet) -> str:
        target = params.get("TargetVariant")
        if target is None:
            return fleet.choose()
        if target not in fleet.servers:
            raise InvalidInvocation(f"Variant {target} not found for endpoint {params['EndpointName']}.")
        return str(target)

    @staticmethod
    def _send(fleet: Fleet, variant: str, params: Params) -> Answer:
        return fleet.servers[variant].invoke(
            params.get("Body", b""),
            params.get("ContentType", DEFAULT_TYPE),
            params.get("Accept"),
            params.get("CustomAttributes"),
            target=params.get("TargetContainerHostname"),
        )

    @staticmethod
    def _model_error(answer: Answer, fleet: Fleet, variant: str) -> AwsError:
        text = answer.body.decode("utf-8", "replace")[:2000]
        stream = f"{fleet.streams[variant]}/{answer.container}"
        message = (
            f"Received client error ({answer.status})"
            if answer.status < 500
            else f"Received server error ({answer.status})"
        )
        return AwsError(
            "ModelError",
            f'{message} from {answer.container} with message "{text}". '
            f"See {fleet.log_group} in CloudWatch Logs for more information.",
            status=424,
            OriginalStatusCode=answer.status,
            OriginalMessage=text,
            LogStreamArn=f"{fleet.log_group}:{stream}",
        )

    @staticmethod
    def _exchange(params: Params, variant: str, answer: Answer, moment: float) -> Exchange:
        return Exchange(
            endpoint=params["EndpointName"],
            variant=variant,
            request=params.get("Body", b""),
            request_type=params.get("ContentType", DEFAULT_TYPE),
            response=answer.body,
            response_type=answer.content_type,
            moment=moment,
            inference_id=params.get("InferenceId"),
            custom_attributes=params.get("CustomAttributes"),
        )
