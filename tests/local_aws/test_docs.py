"""docs/local-aws.md names the operations, images and ways to run containers that the server has."""

from __future__ import annotations

from pathlib import Path

from include.local_aws.containers.images import CONTAINERS
from include.local_aws.runner.isolation import ISOLATIONS
from include.local_aws.tools import operations

PAGE = (Path(__file__).parents[2] / "docs/local-aws.md").read_text()


def test_the_table_of_operations_is_the_servers() -> None:
    assert operations.table() in PAGE, "python -m include.local_aws.tools.operations prints the table"


def test_every_image_and_every_isolation_is_documented() -> None:
    for name in [*CONTAINERS, *(isolation.name for isolation in ISOLATIONS)]:
        assert f"| `{name}` |" in PAGE
