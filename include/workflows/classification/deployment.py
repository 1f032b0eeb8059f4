"""Deploy a model and prove that what is served is what was evaluated."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import chain, task, task_group

from aws_ml.operators.sagemaker import SageMakerEndpointConfigOperator, SageMakerEndpointOperator
from aws_ml.operators.sagemaker_registry import SageMakerApproveModelPackageOperator
from aws_ml.sensors.sagemaker import SageMakerEndpointSensor
from include.aws import sagemaker_requests
from include.workflows.common.s3_documents import read_lines

log = logging.getLogger(__name__)

SINGLE_CALLS = 20  # rows that are also sent one by one
MANY_ROWS = 1000  # rows that are sent in one request, well below the service's limit of 6 MB


class EndpointDisagrees(RuntimeError):
    """The endpoint answers something else than the batch transform did."""


@task.short_circuit(ignore_downstream_trigger_rules=False)
def requested(**context: Any) -> bool:
    """Whether the trigger form asks for a deployment; the rest of the group is skipped otherwise."""
    return bool(context["params"]["deploy"])


@task
def verify(endpoint_name: str, rows_uri: str, answers_uri: str) -> dict[str, Any]:
    """Send rows to the endpoint and compare with the answers that the batch transform gave for them.

    :param rows_uri: S3 object of input rows, CSV.
    :param answers_uri: S3 object of the transform's answers, a line for each row.
    :return: `rows` compared and the last `request` and `answer`, as an example.
    :raises EndpointDisagrees: naming the first row that differs.
    """
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

    runtime = AwsBaseHook(client_type="sagemaker-runtime").conn

    def ask(lines: list[str], inference_id: str) -> list[str]:
        reply = runtime.invoke_endpoint(
            EndpointName=endpoint_name,
            Body="\n".join(lines).encode(),
            ContentType="text/csv",
            Accept="text/csv",
            InferenceId=inference_id,  # lets the drift monitor leave these out
        )
        return str(reply["Body"].read().decode()).splitlines()

    rows, expected = (read_lines(uri)[:MANY_ROWS] for uri in (rows_uri, answers_uri))
    single = [answer for n, row in enumerate(rows[:SINGLE_CALLS]) for answer in ask([row], f"verify-{n}")]
    compare(single, expected[:SINGLE_CALLS])
    compare(ask(rows, "verify-all"), expected)
    log.info("%d rows answered as the batch transform did", len(rows))
    return {"rows": len(rows), "request": rows[0], "answer": single[0]}


def compare(answers: list[str], expected: list[str]) -> None:
    """Raise EndpointDisagrees at the first difference."""
    if len(answers) != len(expected):
        raise EndpointDisagrees(f"{len(answers)} answers for {len(expected)} rows")
    for number, (answer, wanted) in enumerate(zip(answers, expected, strict=True), start=1):
        if answer != wanted:
            raise EndpointDisagrees(f"row {number}: the endpoint says {answer!r}, the transform {wanted!r}")


@task_group
def deploy(
    use_case: str, model_name: str, model_package: str, capture: str, rows_uri: str, answers_uri: str
) -> None:
    """Create or update the endpoint `use_case`, verify it, approve the version that it serves.

    :param capture: S3 URI below which requests and answers are captured.
    """
    create_endpoint_config = SageMakerEndpointConfigOperator(
        task_id="create_endpoint_config",
        config=sagemaker_requests.tagged(
            use_case,
            sagemaker_requests.endpoint_config(
                f"{{{{ macros.aws_ml.resource_name('{use_case}', 'endpoint', dag_run) }}}}",
                variants=[
                    sagemaker_requests.variant(
                        "AllTraffic", model_name, "{{ params.endpoint_instance_type }}"
                    )
                ],
                capture=capture,
            ),
        ),
    )
    config_name = (
        "{{ ti.xcom_pull('deploy.create_endpoint_config')['EndpointConfig']['EndpointConfigName'] }}"
    )
    deploy_endpoint = SageMakerEndpointOperator(
        task_id="deploy_endpoint",
        config=sagemaker_requests.tagged(
            use_case, {"EndpointName": use_case, "EndpointConfigName": config_name}
        ),
        operation="create",  # updates an endpoint that exists
        wait_for_completion=False,
    )
    wait_for_endpoint = SageMakerEndpointSensor(
        task_id="wait_for_endpoint",
        endpoint_name=use_case,
        endpoint_config_name=config_name,
        deferrable=True,
    )
    verified = verify(use_case, rows_uri, answers_uri)
    approve = SageMakerApproveModelPackageOperator(
        task_id="approve",
        model_package_arn=model_package,
        reason="Its answers on the endpoint are those of the batch transform.",
    )
    chain(requested(), create_endpoint_config, deploy_endpoint, wait_for_endpoint, verified, approve)
