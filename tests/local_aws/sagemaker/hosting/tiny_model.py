"""A tiny model to host: `y = factor * x` for numbers separated by blanks, in the scikit-learn image."""

from __future__ import annotations

import io
import tarfile
import time
from typing import Any

ROLE = "arn:aws:iam::123456789012:role/ml-workflows"
IMAGE = "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
SCRIPT = b"""
import os, time
def model_fn(folder):
    return float(open(folder + '/factor.txt').read())
def input_fn(body, content_type):
    text = body.decode()
    if 'slow' in text:
        time.sleep(10)
        text = '0'
    os.write(1, f"got {content_type} {os.environ.get('SAGEMAKER_BATCH')}\\n".encode())  # whole lines
    return [[float(word) for word in line.replace(',', ' ').split()] for line in text.splitlines() if line]
def predict_fn(rows, factor):
    return [[factor * value for value in row] for row in rows]
def output_fn(rows, accept):
    return '\\n'.join(','.join(map(str, row)) for row in rows), 'text/csv; charset=utf-8'
"""


def archive(files: dict[str, bytes]) -> bytes:
    """A tar.gz of some files; member names are taken as they are, hostile or not."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def container(s3: Any, bucket: str, factor: float, script: bytes = SCRIPT) -> dict[str, Any]:
    """A container definition whose model and code are in the bucket."""
    model, code = f"models/{factor}/model.tar.gz", f"code/{hash(script)}/sourcedir.tar.gz"
    s3.put_object(Bucket=bucket, Key=model, Body=archive({"factor.txt": str(factor).encode()}))
    s3.put_object(Bucket=bucket, Key=code, Body=archive({"inference.py": script}))
    environment = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": f"s3://{bucket}/{code}"}
    return {"Image": IMAGE, "ModelDataUrl": f"s3://{bucket}/{model}", "Environment": environment}


def variant(model: str, name: str = "A", weight: float = 1.0) -> dict[str, Any]:
    return {
        "VariantName": name,
        "ModelName": model,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": weight,
    }


def settled(sagemaker: Any, endpoint: str, timeout: float = 60) -> Any:
    """The endpoint's description once it is neither Creating nor Updating."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        description = sagemaker.describe_endpoint(EndpointName=endpoint)
        if description["EndpointStatus"] in ("InService", "Failed"):
            return description
        time.sleep(0.1)
    raise AssertionError(f"{endpoint} is still {description['EndpointStatus']}")
