"""Names and ARNs as SageMaker forms them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.local_aws.calls import Caller


def arn(caller: Caller, resource: str, name: str) -> str:
    """`arn(caller, "training-job", "Churn")` → `arn:aws:sagemaker:<region>:<account>:training-job/churn`.

    SageMaker writes resource names in lower case in ARNs, and only there.
    """
    return caller.arn("sagemaker", f"{resource}/{name.lower()}")
