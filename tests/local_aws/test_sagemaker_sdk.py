"""The unmodified SageMaker SDK as an independent client; only the environment points it to the server."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.local_aws.conftest import RunningServer

ROLE = "arn:aws:iam::123456789012:role/ml-workflows"
REGION = "eu-west-1"
BUCKET = "sdk-tests"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
        }
    ],
}
NO_TELEMETRY = """
SchemaVersion: "1.0"
SageMaker: {PythonSDK: {Modules: {TelemetryOptOut: true}}}
"""

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def session(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A session of the SDK, as a user's program makes it."""
    defaults = tmp_path_factory.mktemp("sdk") / "config.yaml"
    defaults.write_text(NO_TELEMETRY)
    environment = {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "SAGEMAKER_USER_CONFIG_OVERRIDE": str(defaults),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        from sagemaker.core.helper.session_helper import Session

        sdk_session = Session(default_bucket=BUCKET)
        sdk_session.boto_session.client("s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        # the SDK refuses a role that SageMaker may not assume
        sdk_session.boto_session.client("iam").create_role(
            RoleName=ROLE.rpartition("/")[2], AssumeRolePolicyDocument=json.dumps(TRUST)
        )
        yield sdk_session


def image(framework: str, version: str) -> str:
    from sagemaker.core import image_uris

    uri: str = image_uris.retrieve(
        framework, REGION, version=version, py_version="py3", instance_type="ml.m5.large"
    )
    return uri


def test_the_table_of_image_uris_is_that_of_the_sdk(session: Any) -> None:
    from include.local_aws.tools.image_uris import derive

    table = Path(__file__).parents[2] / "plugins/aws_ml/image_uris.json"
    assert json.loads(table.read_text()) == derive()


def test_a_processing_job_runs_a_script(session: Any, tmp_path: Path) -> None:
    from sagemaker.core.processing import ScriptProcessor
    from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output

    script = tmp_path / "double.py"
    script.write_text(
        "import pathlib, sys\n"
        "numbers = pathlib.Path('/opt/ml/processing/input/numbers/n.txt').read_text().split()\n"
        "out = pathlib.Path('/opt/ml/processing/output')\n"
        "(out / 'doubled.txt').write_text(' '.join(str(int(sys.argv[1]) * int(n)) for n in numbers))\n"
        "print('doubled', len(numbers))\n"
    )
    s3 = session.boto_session.client("s3")
    s3.put_object(Bucket=BUCKET, Key="numbers/n.txt", Body=b"1 2 3")
    processor = ScriptProcessor(
        role=ROLE,
        image_uri=image("sklearn", "1.9-0"),
        command=["python3"],
        instance_count=1,
        instance_type="ml.m5.large",
        sagemaker_session=session,
    )
    processor.run(
        code=str(script),
        inputs=[
            ProcessingInput(
                input_name="numbers",
                s3_input=ProcessingS3Input(
                    s3_uri=f"s3://{BUCKET}/numbers/",
                    local_path="/opt/ml/processing/input/numbers",
                    s3_data_type="S3Prefix",
                    s3_input_mode="File",
                ),
            )
        ],
        outputs=[
            ProcessingOutput(
                output_name="doubled",
                s3_output=ProcessingS3Output(
                    s3_uri=f"s3://{BUCKET}/doubled",
                    local_path="/opt/ml/processing/output",
                    s3_upload_mode="EndOfJob",
                ),
            )
        ],
        arguments=["2"],
        wait=True,
        logs=True,
    )
    assert s3.get_object(Bucket=BUCKET, Key="doubled/doubled.txt")["Body"].read() == b"2 4 6"


@pytest.fixture(scope="module")
def trained(session: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The S3 URI of a model that the SDK trained with the built-in algorithm: y is 1 where x > 0.5."""
    from sagemaker.core.training.configs import Compute, InputData, OutputDataConfig, StoppingCondition
    from sagemaker.train import ModelTrainer

    rows = tmp_path_factory.mktemp("rows") / "train.csv"
    draw = random.Random(1)
    with rows.open("w", newline="") as file:
        csv.writer(file).writerows([int(x > 0.5), x] for x in (draw.random() for _ in range(500)))
    session.boto_session.client("s3").upload_file(str(rows), BUCKET, "train/train.csv")
    trainer = ModelTrainer(
        training_image=image("xgboost", "3.2-0"),
        sagemaker_session=session,
        role=ROLE,
        base_job_name="sdk-xgboost",
        compute=Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=10),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=600),
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{BUCKET}/models"),
        hyperparameters={"objective": "binary:logistic", "num_round": "10", "eval_metric": "error"},
    )
    trainer.train(
        input_data_config=[
            InputData(channel_name="train", data_source=f"s3://{BUCKET}/train/", content_type="text/csv")
        ],
        wait=True,
        logs=True,
    )
    job = trainer._latest_training_job
    assert job.training_job_status == "Completed"
    assert {metric.metric_name: metric.value for metric in job.final_metric_data_list}["train:error"] < 0.05
    return str(job.model_artifacts.s3_model_artifacts)


def test_a_trained_model_is_deployed_invoked_and_deleted(session: Any, trained: str) -> None:
    from sagemaker.core.resources import Endpoint, EndpointConfig, Model
    from sagemaker.core.shapes import ContainerDefinition, ProductionVariant

    model = Model.create(
        model_name="sdk-model",
        primary_container=ContainerDefinition(image=image("xgboost", "3.2-0"), model_data_url=trained),
        execution_role_arn=ROLE,
        session=session.boto_session,
        region=REGION,
    )
    variant = ProductionVariant(
        variant_name="AllTraffic",
        model_name="sdk-model",
        instance_type="ml.m5.large",
        initial_instance_count=1,
        initial_variant_weight=1.0,
    )
    config = EndpointConfig.create(endpoint_config_name="sdk-config", production_variants=[variant])
    endpoint = Endpoint.create(endpoint_name="sdk-endpoint", endpoint_config_name="sdk-config")
    endpoint.wait_for_status("InService", poll=1, timeout=120)

    answer = endpoint.invoke(body=b"0.9\n0.1\n", content_type="text/csv", accept="text/csv")
    high, low = (float(line) for line in answer.body.read().decode().split())
    assert high > 0.5 > low

    endpoint.delete()
    endpoint.wait_for_delete(poll=1, timeout=60)
    config.delete()
    model.delete()
    assert [model.model_name for model in Model.get_all()] == []


def test_lineage_is_written_asked_and_deleted(session: Any) -> None:
    from sagemaker.core.lineage.action import Action
    from sagemaker.core.lineage.artifact import Artifact, ModelArtifact
    from sagemaker.core.lineage.association import Association
    from sagemaker.core.lineage.context import Context
    from sagemaker.core.lineage.query import LineageEntityEnum, LineageFilter, LineageQuery, LineageSourceEnum

    options = {"sagemaker_session": session}
    data = Artifact.create(source_uri="s3://sdk/data.csv", artifact_type="DataSet", **options)
    model = ModelArtifact.create(source_uri="s3://sdk/model.tar.gz", artifact_type="Model", **options)
    training = Action.create(action_name="sdk-train", action_type="Training", source_uri="job", **options)
    endpoint = Context.create(context_name="sdk", context_type="Endpoint", source_uri="endpoint", **options)
    arns = [data.artifact_arn, training.action_arn, model.artifact_arn, endpoint.context_arn]
    for source, destination in zip(arns, arns[1:], strict=False):
        Association.create(source_arn=source, destination_arn=destination, **options)

    lineage_filter = LineageFilter(entities=[LineageEntityEnum.ARTIFACT], sources=[LineageSourceEnum.DATASET])
    answer = LineageQuery(session).query([endpoint.context_arn], query_filter=lineage_filter)
    assert sorted(vertex.arn for vertex in answer.vertices) == sorted(arns)
    assert [(edge.source_arn, edge.destination_arn) for edge in answer.edges].count((arns[0], arns[1])) == 1
    assert [artifact.source.source_uri for artifact in model.dataset_artifacts()] == ["s3://sdk/data.csv"]

    data.properties = {"rows": "3333"}
    data.save()
    assert Artifact.load(artifact_arn=data.artifact_arn, **options).properties == {"rows": "3333"}
    for entity in (data, training, model, endpoint):
        entity.delete(disassociate=True)
    assert list(Artifact.list(source_uri="s3://sdk/data.csv", **options)) == []
