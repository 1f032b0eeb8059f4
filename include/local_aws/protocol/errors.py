"""The errors of the local AWS: one exception family with AWS's codes and texts.

AwsError
├── ValidationException   parameters, and (as SageMaker does) resources that do not exist or exist already
├── ResourceNotFound
├── ResourceInUse
├── ResourceLimitExceeded
└── UnknownOperation
"""

from __future__ import annotations

from typing import Any


class AwsError(Exception):
    """An error answer: AWS's code, its text, the HTTP status, and further members of the error shape."""

    def __init__(self, code: str, message: str, status: int = 400, **members: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.members = members


class ValidationException(AwsError):
    """Invalid parameters; in SageMaker also a resource that does not exist or exists already."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationException", message)


class ResourceNotFound(AwsError):
    """A resource that does not exist, for operations whose model declares this code."""

    def __init__(self, message: str) -> None:
        super().__init__("ResourceNotFound", message)


class ResourceInUse(AwsError):
    """A resource name that exists, or a resource that is still in use."""

    def __init__(self, message: str) -> None:
        super().__init__("ResourceInUse", message)


class ResourceLimitExceeded(AwsError):
    """An account or service limit."""

    def __init__(self, message: str) -> None:
        super().__init__("ResourceLimitExceeded", message)


class UnknownOperation(AwsError):
    """An operation of AWS that this server does not implement."""

    def __init__(self, service: str, operation: str) -> None:
        super().__init__(
            "UnknownOperationException",
            f"The local AWS does not implement {service}:{operation}.",
            status=501,
        )
