from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from include.local_aws.personalize import engine
from tests.local_aws.personalize.studio import BUCKET, Studio

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="session", autouse=True)
def quick_states() -> None:
    """Servers in this process show each state for a moment only."""
    engine.OBSERVABLE_SECONDS = 0.08


@pytest.fixture(scope="module")
def studio(client: Callable[[str], Any]) -> Studio:
    """A dataset group with interactions, items and users."""
    client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return Studio(client("personalize"), client("s3"), "films").filled()
