"""Personalize's errors: one per code of the service, and how a resource fails."""

from __future__ import annotations

from include.local_aws.protocol.errors import AwsError


def invalid(message: str) -> AwsError:
    """A request that the service refuses."""
    return AwsError("InvalidInputException", message)


def not_found(message: str) -> AwsError:
    """A resource that does not exist."""
    return AwsError("ResourceNotFoundException", message)


def exists(message: str) -> AwsError:
    """A name that is taken."""
    return AwsError("ResourceAlreadyExistsException", message)


def in_use(message: str) -> AwsError:
    """A resource in a state, or with dependents, that forbid what is asked."""
    return AwsError("ResourceInUseException", message)


def limit(message: str) -> AwsError:
    """A quota that is used up."""
    return AwsError("LimitExceededException", message)


class WorkFailed(Exception):
    """The work behind a resource failed; the text becomes its failureReason."""


class WorkStopped(Exception):
    """The work behind a resource was stopped on request."""
