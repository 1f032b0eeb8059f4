"""The life of an endpoint: create it, call it, shift its traffic, delete it with its configuration.

Trigger with the name of a model that exists as `model_name`.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param, chain

from aws_ml.operators.sagemaker import SageMakerEndpointConfigOperator, SageMakerEndpointOperator
from aws_ml.operators.sagemaker_endpoints import (
    SageMakerDeleteEndpointConfigOperator,
    SageMakerDeleteEndpointOperator,
    SageMakerInvokeEndpointOperator,
    SageMakerUpdateEndpointWeightsOperator,
)
from aws_ml.sensors.sagemaker import SageMakerEndpointSensor

NAME = "{{ macros.aws_ml.resource_name('example', 'endpoint', dag_run) }}"


def variant(name: str, weight: float) -> dict[str, object]:
    return {
        "VariantName": name,
        "ModelName": "{{ params.model_name }}",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": weight,
    }


with DAG(
    "example_endpoint",
    schedule=None,
    tags=["example"],
    params={
        "model_name": Param("my-model", type="string"),
        "row": Param("0.5,0.5", type="string", description="what to send to the endpoint"),
    },
):
    chain(
        SageMakerEndpointConfigOperator(
            task_id="create_config",
            config={
                "EndpointConfigName": NAME,
                "ProductionVariants": [variant("champion", 1.0), variant("challenger", 0.0)],
            },
        ),
        SageMakerEndpointOperator(
            task_id="create_endpoint",
            config={"EndpointName": NAME, "EndpointConfigName": NAME},
            wait_for_completion=False,
        ),
        SageMakerEndpointSensor(
            task_id="wait_for_endpoint",
            endpoint_name=NAME,
            endpoint_config_name=NAME,
            deferrable=True,
        ),
        SageMakerInvokeEndpointOperator(
            task_id="call_challenger",
            endpoint_name=NAME,
            body="{{ params.row }}",
            target_variant="challenger",
        ),
        SageMakerUpdateEndpointWeightsOperator(
            task_id="shift_traffic",
            endpoint_name=NAME,
            weights={"champion": 0.0, "challenger": 1.0},
            deferrable=True,
        ),
        SageMakerDeleteEndpointOperator(task_id="delete_endpoint", endpoint_name=NAME, deferrable=True),
        SageMakerDeleteEndpointConfigOperator(task_id="delete_config", config_name=NAME),
    )
