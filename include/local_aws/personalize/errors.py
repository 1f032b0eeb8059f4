"""Personalize's errors: one function per error code, and the exceptions of failed work."""

from __future__ import annotations

from include.local_aws.protocol.errors import AwsError


def invalid(message: str) -> AwsError:
    """A request that the service refuses."""
    return AwsError("InvalidInputException", message)


def not_found(message: str) -> AwsError:
    """A resource that does not exist."""
    return AwsError("ResourceNotFoundException", message)


def exists(message: str) -> AwsError:
    """A name that another resource has."""
    return AwsError("ResourceAlreadyExistsException", message)


def in_use(message: str) -> AwsError:
    """A resource whose state or dependents forbid the operation."""
    return AwsError("ResourceInUseException", message)


def limit(message: str) -> AwsError:
    """A quota that is exceeded."""
    return AwsError("LimitExceededException", message)


class WorkFailed(Exception):
    """The work behind a resource failed; the text becomes its failureReason."""


class WorkStopped(Exception):
    """The work behind a resource was stopped on request."""
