"""Deploy a model, prove that what is served is what was evaluated, and announce it."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, TriggerRule, task

from aws_ml.clients import Aws
from aws_ml.errors import is_missing
from include.aws import sagemaker_requests
from include.workflows.common.errors import EndpointDisagrees, OtherModelServes
from include.workflows.common.folders import capture_folder
from include.workflows.common.job_tasks import name_template
from include.workflows.common.s3_documents import lines_of, read_json, read_lines
from include.workflows.common.xcom import Reference, pull

if TYPE_CHECKING:
    from airflow.sdk import XComArg

    from include.aws.sagemaker_requests import Config
    from include.use_cases.definition import UseCase

log = logging.getLogger(__name__)

SINGLE_CALLS = 20  # rows that are also sent one by one
MANY_ROWS = 1000  # rows that are sent in one request, well below the service's limit of 6 MB
GATE = "gate_"  # how the names of the params begin that are gates
SAME = 1e-6  # difference of scores that are equal: they are computed with 32 bits
# inference ids of the workflow itself begin so, and no client's by chance: the drift monitor leaves them out
OWN_CALL = "ml-workflows-verify-"


@task.short_circuit(task_id="requested", ignore_downstream_trigger_rules=False)
def deployment_requested(evaluation: str, **context: Any) -> bool:
    """Whether the trigger form asks for a deployment and the model reached its gates; else skips the rest.

    :param evaluation: S3 URI of `evaluation.json`.
    """
    if not context["params"]["deploy"]:
        log.info("The trigger form asks for no deployment.")
        return False
    document = read_json(evaluation)
    for metric, gate in document["gates"].items():
        state = "reached" if gate["passed"] else "MISSED"
        log.info("Gate %s: %s, at least %s: %s", metric, gate["value"], gate["least"], state)
    asked = {name.removeprefix(GATE) for name in context["params"] if name.startswith(GATE)}
    if unmeasured := sorted(asked - set(document["gates"])):
        log.warning("The evaluation does not know the gates %s.", ", ".join(unmeasured))
    passed = document["gates_passed"] is True and not unmeasured
    if not passed:
        log.warning("The model missed a gate: it is not deployed, and its version stays without approval.")
    return passed


def serving_configuration(use_case: str, model_name: str, bucket: str) -> Config:
    """The endpoint configuration of one model, every request captured; the arguments may be templates."""
    variant = sagemaker_requests.variant(
        sagemaker_requests.ALL_TRAFFIC, model_name, "{{ params.endpoint_instance_type }}"
    )
    capture = capture_folder(use_case, bucket)
    return sagemaker_requests.endpoint_config(
        name_template(use_case, "endpoint"), variants=[variant], capture=capture
    )


def models_of(configuration: str) -> list[str]:
    """Names of the models that an endpoint with this configuration serves.

    :raises OtherModelServes: when the configuration was deleted, so that nobody can tell.
    """
    from botocore.exceptions import ClientError

    try:
        config = Aws().client("sagemaker").describe_endpoint_config(EndpointConfigName=configuration)
    except ClientError as error:
        if not is_missing(error):
            raise
        text = f"the configuration {configuration} of the endpoint was deleted"
        raise OtherModelServes(f"{text}: nobody can tell which model it serves") from error
    return [variant["ModelName"] for variant in config["ProductionVariants"]]


@task
def verify(endpoint_name: str, rows_uri: str, answers_uri: str) -> dict[str, Any]:
    """Send rows to the endpoint and compare with the answers that the batch transform gave for them.

    :param rows_uri: S3 object of input rows, CSV.
    :param answers_uri: S3 object of the transform's answers, a line per row.
    :return: `rows` compared and the last `request` and `answer`, as an example.
    :raises EndpointDisagrees: naming the first row that differs.
    """
    rows, expected = (read_lines(uri)[:MANY_ROWS] for uri in (rows_uri, answers_uri))
    single = [
        answer
        for number, row in enumerate(rows[:SINGLE_CALLS])
        for answer in _answers(endpoint_name, [row], f"{OWN_CALL}{number}")
    ]
    check_answers(single, expected[:SINGLE_CALLS])
    check_answers(_answers(endpoint_name, rows, f"{OWN_CALL}all"), expected)
    log.info("%d rows answered as the batch transform did", len(rows))
    return {"rows": len(rows), "request": rows[0], "answer": single[0]}


def _answers(endpoint_name: str, rows: list[str], inference_id: str) -> list[str]:
    """The endpoint's answers for rows of one request."""
    reply = (
        Aws()
        .client("sagemaker-runtime")
        .invoke_endpoint(
            EndpointName=endpoint_name,
            Body="\n".join(rows).encode(),
            ContentType="text/csv",
            Accept="text/csv",
            InferenceId=inference_id,
        )
    )
    return lines_of(reply["Body"].read().decode())


def check_answers(answers: list[str], expected: list[str]) -> None:
    """Compare answers, row by row; numbers may differ by a millionth.

    :raises EndpointDisagrees: at the first difference.
    """
    if len(answers) != len(expected):
        raise EndpointDisagrees(f"{len(answers)} answers for {len(expected)} rows")
    for number, (answer, transformed) in enumerate(zip(answers, expected, strict=True), start=1):
        if not _is_same(answer, transformed):
            raise EndpointDisagrees(
                f"row {number}: the endpoint says {answer!r}, the transform {transformed!r}"
            )


def _is_same(answer: str, expected: str) -> bool:
    """Whether two answers are equal; numbers in them, up to what another machine rounds differently."""
    pairs = list(zip(answer.split(","), expected.split(","), strict=False))
    same_length = answer.count(",") == expected.count(",")
    return same_length and all(left == right or _is_close(left, right) for left, right in pairs)


def _is_close(left: str, right: str) -> bool:
    try:
        return math.isclose(float(left), float(right), rel_tol=SAME, abs_tol=SAME)
    except ValueError:
        return False


def publish(
    case: UseCase, model_name: str, run_uri: str, data_source: str, verification: Reference
) -> XComArg:
    """The task `publish`, which emits the asset `model/<use case>`; a skipped deployment does not skip it.

    :param run_uri: S3 URI of the run; its `evaluation/evaluation.json` holds the metrics.
    :param verification: what `verify` leaves.
    """
    model = Asset(f"model/{case.name}")

    @task(task_id="publish", outlets=[model], trigger_rule=TriggerRule.NONE_FAILED)
    def announce(
        model_name: str, run_uri: str, data_source: str, verification: Reference, **context: Any
    ) -> dict[str, Any]:
        """Put what the run achieved on the asset event, and return it."""
        metrics = read_json(f"{run_uri}/evaluation/evaluation.json")["binary_classification_metrics"]
        answers = pull(context["ti"], verification)
        summary = {
            "use_case": case.name,
            "run": run_uri.rsplit("/", 1)[-1],
            "model": model_name,
            "endpoint": case.endpoint if answers else None,
            "evaluation": f"{run_uri}/evaluation",
            "data_source": data_source,
            "metrics": {name: entry["value"] for name, entry in metrics.items() if _is_number(entry)},
        }
        context["outlet_events"][model].extra = summary
        return {**summary, "verified": answers}

    return announce(model_name, run_uri, data_source, verification)


def _is_number(entry: dict[str, Any]) -> bool:
    return isinstance(entry.get("value"), int | float)
