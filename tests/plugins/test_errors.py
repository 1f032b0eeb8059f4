"""What an error of AWS says, and whose fault it is."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from aws_ml.errors import is_missing, is_taken


def refused(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


@pytest.mark.parametrize(
    ("error", "missing", "name_taken"),
    [
        (refused("ResourceNotFoundException", ""), True, False),
        (refused("ValidationException", 'Could not find model "arn:x".'), True, False),
        (refused("ResourceNotFound", "Requested resource not found."), True, False),
        (refused("ValidationException", "ModelPackageGroup arn:x does not exist."), True, False),
        (refused("ResourceAlreadyExistsException", ""), False, True),
        (refused("ValidationException", 'Cannot create already existing model "arn:x".'), False, True),
        (
            refused("ResourceInUse", "Job name must be unique, and a job already exists"),
            False,
            True,
        ),
        (refused("ValidationException", "Tag keys must be unique; a occurs more than once."), False, False),
        (refused("AccessDeniedException", "not authorized"), False, False),
        (ValueError("does not exist, already exists"), False, False),
    ],
)
def test_only_aws_says_that_a_thing_is_missing_or_its_name_taken(
    error: Exception, missing: bool, name_taken: bool
) -> None:
    assert (is_missing(error), is_taken(error)) == (missing, name_taken)
