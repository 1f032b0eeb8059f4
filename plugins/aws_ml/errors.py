"""Who is at fault when a job does not succeed, and therefore whether a retry makes sense.

Everything in this package raises errors of this family; a wrong parameter of an operator is a ValueError.

JobError
├── JobRejected    AWS refuses the request; it would refuse the same request again
│   └── UnknownImage   the table of image URIs does not have the image
├── InvalidData    the data, or its schema, would be refused; the message has file, line and column
├── JobExists      the name is taken by another request, and cannot be used
├── JobFailed      the job failed by its own fault or was stopped, or an update was rolled back
├── JobSuperseded  the job of an earlier try was stopped when that try was killed or cleared: worth a retry
├── JobTimedOut    unknown: the job did not end in time
└── ServiceFault   throttling, capacity, AWS's own failure: worth a retry
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.exceptions import AirflowException

if TYPE_CHECKING:
    from collections.abc import Iterator


class JobError(AirflowException):
    """A job that did not succeed."""


class JobRejected(JobError):
    """AWS refuses the request."""


class UnknownImage(JobRejected):
    """The framework, version or region is not in the table of image URIs."""


class InvalidData(JobError):
    """Data that AWS would refuse; the message names each fault with file, line and column."""


class JobExists(JobError):
    """A job or resource of this name exists and is another one."""


class JobFailed(JobError):
    """The job failed; the message has AWS's reason and the last lines of its log."""


class JobSuperseded(JobError):
    """The job of an earlier try was stopped when that try was killed or cleared."""


class JobTimedOut(JobError):
    """The job did not end in time."""


class ServiceFault(JobError):
    """AWS was busy, short of capacity or faulty."""


# Task-level retries of every operator and sensor here. `retries` of the task says how often at most.
RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception=[JobRejected, InvalidData, JobExists, JobFailed, JobTimedOut],
            action=RetryAction.FAIL,
            reason="the same request would fail again",
        ),
        RetryRule(
            exception=JobSuperseded,
            action=RetryAction.RETRY,
            retry_delay=timedelta(seconds=1),
            reason="the job was stopped together with the try that had created it",
        ),
        RetryRule(
            exception=ServiceFault,
            action=RetryAction.RETRY,
            retry_delay=timedelta(minutes=1),
            reason="a fault of the service, not of the request",
        ),
    ]
)

# FailureReason starts with one of these when AWS is at fault.
SERVICE_REASONS = ("InternalServerError", "CapacityError", "InsufficientCapacity", "ThrottlingException")
TRANSIENT_CODES = {
    *("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"),
    *("ServiceUnavailable", "ServiceUnavailableException", "InternalFailure", "InternalServerError"),
    *("InternalServerException", "RequestTimeout", "RequestTimeoutException", "ResourceLimitExceeded"),
    "InternalError",
}


def is_transient(error: Exception) -> bool:
    """Whether a call may succeed when it is repeated: connection, throttling, quota, AWS's fault."""
    from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

    if isinstance(error, ServiceFault):
        return True
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error.response["Error"]["Code"] in TRANSIENT_CODES or status >= 500
    return isinstance(error, HTTPClientError | ConnectionError)


# SageMaker has no error code of its own for either; its texts are all that distinguishes them.
MISSING = re.compile(r"could not find|does not exist|not found", re.IGNORECASE)
TAKEN = re.compile(r"already exist", re.IGNORECASE)


def is_missing(error: Exception) -> bool:
    """Whether AWS says that the thing that was asked for does not exist."""
    return _says(error, "ResourceNotFoundException", MISSING)


def is_taken(error: Exception) -> bool:
    """Whether AWS says that the name of what is to be created is taken."""
    return _says(error, "ResourceAlreadyExistsException", TAKEN)


def _says(error: Exception, code: str, message: re.Pattern[str]) -> bool:
    from botocore.exceptions import ClientError

    if not isinstance(error, ClientError):
        return False
    answer = error.response["Error"]
    return answer["Code"] == code or bool(message.search(answer["Message"]))


def from_call(error: Exception, doing: str) -> JobError:
    """The error of this family for an error of a call to AWS.

    :param doing: "creating the training job churn-train-1", for the message.
    """
    return (ServiceFault if is_transient(error) else JobRejected)(f"{doing}: {error}")


@contextmanager
def calling(doing: str) -> Iterator[None]:
    """Errors of AWS within become errors of this family; their message says what was being done.

    :param doing: "creating the training job churn-train-1"
    :raises JobRejected: when AWS refuses.
    :raises ServiceFault: when AWS is at fault.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise from_call(error, doing) from error


def from_reason(text: str, reason: str) -> JobError:
    """The error of a job that failed.

    :param text: the message.
    :param reason: AWS's reason, which says whose fault it is.
    """
    return (ServiceFault if reason.startswith(SERVICE_REASONS) else JobFailed)(text)
