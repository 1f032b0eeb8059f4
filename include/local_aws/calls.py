"""The contract between the protocol and the services: what an operation gets and returns.

A service is a list of handlers. A public method of a handler, named like the operation (`create_training_job`
for `CreateTrainingJob`), takes the parsed and validated parameters, keyed by the model's member names, and
the caller:

    def describe_training_job(self, params: Params, caller: Caller) -> Output

It returns the output members by their model names, or raises an AwsError. Timestamps are epoch seconds
(float), blobs are bytes; a streaming body is an `Upload` in the parameters and `bytes` or a `FileSlice` in
the output.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Params = dict[str, Any]
Output = dict[str, Any] | None


@dataclass(frozen=True)
class Caller:
    """Who calls, according to the request's signature. The signature itself is not checked."""

    region: str = "us-east-1"
    account: str = "123456789012"

    def arn(self, service: str, resource: str) -> str:
        """`arn("sagemaker", "model/churn")` → `arn:aws:sagemaker:us-east-1:123456789012:model/churn`."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


@dataclass
class Reply:
    """An output with another status (206) or extra headers."""

    output: dict[str, Any]
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
