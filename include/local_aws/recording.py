"""Records every request as a line of JSON with the members of a CloudTrail event. Off by default.

    {"eventTime": 1763712000.0, "eventSource": "sagemaker.amazonaws.com", "eventName": "CreateModel",
     "awsRegion": "eu-west-1", "userAgent": "Boto3/...", "requestParameters": {"ModelName": "churn-1", ...}}

The source is the service that the request was signed for; IAM's actions begin with it (`tagging`: with
`tag`). Parameters have boto3's names; what JSON cannot hold, such as a body, is null. Failed calls are
recorded, too.
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from include.local_aws.protocol.http import Request


class Recorder:
    """Appends whole lines to a file, from any number of threads. Without a file it does nothing.

    Recorder(tmp_path / "calls.jsonl").note("s3", "HeadBucket", {"Bucket": "b"}, "eu-west-1", "Boto3/1.43")

    :raises OSError: when the file cannot be written.
    """

    def __init__(self, file: Path | None) -> None:
        self._file, self._lock = file, threading.Lock()
        if file is not None:
            file.touch()  # OSError at the start rather than at the first request

    def note(self, service: str, name: str, parameters: Mapping[str, Any], region: str, agent: str) -> None:
        if self._file is None:
            return
        event = {
            "eventTime": time.time(),
            "eventSource": f"{service}.amazonaws.com",
            "eventName": name,
            "awsRegion": region,
            "userAgent": agent,
            "requestParameters": parameters,
        }
        line = json.dumps(event, default=lambda body: None) + "\n"
        with self._lock, self._file.open("a") as file:
            file.write(line)


def operation_and_parameters(request: Request) -> tuple[str, dict[str, str]]:
    """Operation and parameters of a request that moto answers: from its target header, form or path."""
    if target := request.header("x-amz-target"):
        return target.rpartition(".")[2], {}
    body = request.body if isinstance(request.body, bytes) else b""
    if request.header("content-type").startswith("application/x-www-form-urlencoded"):
        form = dict(parse_qsl(body.decode(errors="replace")))
        return form.pop("Action", ""), form
    return f"{request.method} {request.decoded_path}", {}
