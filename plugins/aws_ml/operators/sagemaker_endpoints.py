"""Operators on endpoints that the amazon provider lacks: shift traffic, call, delete safely."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.amazon.aws.hooks.sagemaker import SageMakerHook
from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.operators.sagemaker import serialize
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from aws_ml.base import JobTask, is_deferrable
from aws_ml.errors import JobExists, JobFailed, calling
from aws_ml.lifecycle.kinds import ENDPOINT_CONFIG
from aws_ml.lifecycle.wait import Wait

if TYPE_CHECKING:
    from airflow.sdk import Context

    from aws_ml.lifecycle.kinds import Description


class EndpointTask(JobTask, AwsBaseOperator[SageMakerHook]):
    """The base of the operators on an endpoint.

    :param endpoint_name: of the endpoint.
    :param deferrable: wait in the triggerer (default: Airflow's `operators.default_deferrable`).
    """

    kind_key: ClassVar[str] = "endpoint"
    aws_hook_class = SageMakerHook
    template_fields = aws_template_fields("endpoint_name")

    def __init__(self, *, endpoint_name: str, deferrable: bool | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.endpoint_name = endpoint_name
        self.deferrable = is_deferrable(deferrable)

    def call(self, operation: str, **parameters: Any) -> Any:
        """Call SageMaker; the message of an error says what was being done.

        :raises JobRejected: when AWS refuses.
        :raises ServiceFault: when AWS is at fault.
        """
        with calling(f"{operation.replace('_', ' ')} {self.endpoint_name}"):
            return getattr(self.aws.client("sagemaker"), operation)(**parameters)


class SageMakerUpdateEndpointWeightsOperator(EndpointTask):
    """Shift an endpoint's traffic between its variants, and check that it was shifted.

    :param weights: by variant; a variant's share is its weight over the sum of all.
    :param instance_counts: by variant, where they shall change.
    """

    template_fields = (*EndpointTask.template_fields, "weights", "instance_counts")

    def __init__(
        self,
        *,
        weights: dict[str, float],
        instance_counts: dict[str, int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.weights, self.instance_counts = weights, instance_counts

    def execute(self, context: Context) -> Description:
        """Shift, wait and check; returns the endpoint's description.

        :raises JobError: when the update does not succeed, or the endpoint does not have the weights then.
        """
        self.store_links(context, self.endpoint_name)
        counts = self.instance_counts or {}
        desired = [
            {
                "VariantName": variant,
                **({"DesiredWeight": float(self.weights[variant])} if variant in self.weights else {}),
                **({"DesiredInstanceCount": int(counts[variant])} if variant in counts else {}),
            }
            for variant in {**self.weights, **counts}
        ]
        self.call(
            "update_endpoint_weights_and_capacities",
            EndpointName=self.endpoint_name,
            DesiredWeightsAndCapacities=desired,
        )
        description = self.call("describe_endpoint", EndpointName=self.endpoint_name)
        self.defer_or_wait(Wait.for_job(self.kind, description), description, deferrable=self.deferrable)
        return self._verified()

    def execute_complete(self, context: Context, event: Description | None = None) -> Description:
        """Back from the triggerer: check; returns the endpoint's description.

        :raises JobError: when the update did not succeed, or the endpoint does not have the weights.
        """
        self.successful_job(event)
        return self._verified()

    def _verified(self) -> Description:
        description = self.call("describe_endpoint", EndpointName=self.endpoint_name)
        variants = {variant["VariantName"]: variant for variant in description["ProductionVariants"]}
        expected = [
            *((name, "CurrentWeight", float(value)) for name, value in self.weights.items()),
            *((name, "CurrentInstanceCount", int(n)) for name, n in (self.instance_counts or {}).items()),
        ]
        for name, member, value in expected:
            actual = variants.get(name, {}).get(member)
            if actual != value:
                where = f"The endpoint {self.endpoint_name}, variant {name}"
                raise JobFailed(f"{where}: {member} is {actual}, asked for was {value}.")
        self.log.info("The traffic of %s is shared by %s", self.endpoint_name, self.weights)
        return serialize({key: value for key, value in description.items() if key != "ResponseMetadata"})


class SageMakerInvokeEndpointOperator(EndpointTask):
    """Call an endpoint once, and check its answer.

    :param body: the request.
    :param content_type: of the request.
    :param accept: content type of the answer.
    :param target_variant: the variant that answers; without it AWS chooses by weight.
    :param expected: the task fails for any other answer; without it no answer is a failure.
    """

    template_fields = (*EndpointTask.template_fields, "body", "target_variant", "expected")

    def __init__(
        self,
        *,
        body: str,
        content_type: str = "text/csv",
        accept: str | None = None,
        target_variant: str | None = None,
        expected: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.body, self.content_type, self.accept = body, content_type, accept
        self.target_variant, self.expected = target_variant, expected

    def execute(self, context: Context) -> Description:
        """Returns `{"body", "content_type", "variant"}`.

        :raises JobFailed: when the answer is not the expected one.
        :raises JobRejected: when the endpoint refuses the request; the message has the model's text.
        :raises ServiceFault: when AWS is at fault.
        """
        self.store_links(context, self.endpoint_name)
        optional = {"Accept": self.accept, "TargetVariant": self.target_variant}
        with calling(f"calling the endpoint {self.endpoint_name}"):
            answer = self.aws.client("sagemaker-runtime").invoke_endpoint(
                EndpointName=self.endpoint_name,
                Body=self.body.encode(),
                ContentType=self.content_type,
                **{name: value for name, value in optional.items() if value},
            )
        text = answer["Body"].read().decode()
        if self.expected is not None and text.strip() != self.expected.strip():
            answers = f"answered {text.strip()!r}, expected was {self.expected!r}"
            raise JobFailed(f"The endpoint {self.endpoint_name} {answers}.")
        return {
            "body": text,
            "content_type": answer["ContentType"],
            "variant": answer["InvokedProductionVariant"],
        }


class SageMakerDeleteEndpointOperator(EndpointTask):
    """Delete an endpoint and wait until it is gone; a missing endpoint is a success."""

    kind_key: ClassVar[str] = "endpoint_deletion"

    def execute(self, context: Context) -> None:
        """Delete and wait.

        :raises JobError: when AWS refuses, or the endpoint is not gone in time.
        """
        client = self.aws.client("sagemaker")
        description = self.kind.find(client, self.endpoint_name)
        if description is None:
            self.log.info("There is no endpoint %s", self.endpoint_name)
            return
        if description["EndpointStatus"] != "Deleting":
            self.call("delete_endpoint", EndpointName=self.endpoint_name)
        self.defer_or_wait(Wait.for_job(self.kind, description), {}, deferrable=self.deferrable)

    def execute_complete(self, context: Context, event: Description | None = None) -> None:
        """Back from the triggerer.

        :raises JobError: when the endpoint is not gone in time.
        """
        self.successful_job(event)


class SageMakerDeleteEndpointConfigOperator(JobTask, AwsBaseOperator[SageMakerHook]):
    """Delete an endpoint configuration that no endpoint uses; a missing one is a success.

    AWS also deletes a configuration in use; then its endpoint can neither be updated nor described in full.

    :param config_name: of the configuration.
    """

    kind_key: ClassVar[str] = "endpoint_config"
    aws_hook_class = SageMakerHook
    template_fields = aws_template_fields("config_name")

    def __init__(self, *, config_name: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config_name = config_name

    def execute(self, context: Context) -> None:
        """Delete.

        :raises JobExists: naming the endpoints that use it.
        :raises JobRejected: when AWS refuses.
        :raises ServiceFault: when AWS is at fault.
        """
        client = self.aws.client("sagemaker")
        if ENDPOINT_CONFIG.find(client, self.config_name) is None:
            self.log.info("There is no endpoint configuration %s", self.config_name)
            return
        if users := self._users(client):
            raise JobExists(f"The endpoint configuration {self.config_name} is used by {', '.join(users)}.")
        with calling(f"deleting the endpoint configuration {self.config_name}"):
            client.delete_endpoint_config(EndpointConfigName=self.config_name)

    def _users(self, client: Any) -> list[str]:
        """Names of the endpoints that serve the configuration, or are about to."""
        names = []
        with calling(f"looking for endpoints that use {self.config_name}"):
            for page in client.get_paginator("list_endpoints").paginate():
                for summary in page["Endpoints"]:
                    endpoint = client.describe_endpoint(EndpointName=summary["EndpointName"])
                    pending = endpoint.get("PendingDeploymentSummary", {}).get("EndpointConfigName")
                    if self.config_name in (endpoint.get("EndpointConfigName"), pending):
                        names.append(summary["EndpointName"])
        return names
