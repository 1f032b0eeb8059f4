from __future__ import annotations

from typing import Any

import pytest

from tests.local_aws.sagemaker.governance.lineage_requests import ARN, artifact, connect


@pytest.fixture(scope="module")
def graph(sagemaker: Any) -> dict[str, str]:
    """Data and code → training (action) → model → endpoint (context), and the model's report."""
    arns = {
        "data": artifact(sagemaker, "s3://ml/data.csv", Properties={"rows": "3333"}),
        "code": artifact(sagemaker, "s3://ml/code.tar.gz", "Code"),
        "model": artifact(sagemaker, "s3://ml/model.tar.gz", "Model"),
        "report": artifact(sagemaker, "s3://ml/report.html", "Report"),
    }
    action = {"ActionName": "Train-1", "ActionType": "Training", "Source": {"SourceUri": "train-1"}}
    arns["training"] = sagemaker.create_action(Status="Completed", **action)["ActionArn"]
    source = {"SourceUri": f"{ARN}:endpoint/churn", "SourceType": "ARN"}
    context = {"ContextName": "churn_endpoint", "ContextType": "Endpoint", "Source": source}
    arns["endpoint"] = sagemaker.create_context(**context)["ContextArn"]
    for start, end in (("data", "training"), ("code", "training"), ("training", "model")):
        connect(sagemaker, arns[start], arns[end])
    connect(sagemaker, arns["model"], arns["endpoint"], "AssociatedWith")
    connect(sagemaker, arns["model"], arns["report"], "Produced")
    return arns
