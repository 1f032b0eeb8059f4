"""URIs of the images that AWS ships, without the SageMaker SDK (it cannot share Airflow's environment).

The table `image_uris.json` is derived from the SDK; a test compares the two.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from aws_ml.clients import Aws
from aws_ml.errors import UnknownImage


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(Path(__file__).with_name("image_uris.json").read_text())
    return table


def image_uri(framework: str, version: str, region: str) -> str:
    """The image of a framework's version in a region.

    >>> image_uri("xgboost", "3.2-0", "eu-west-1")
    '141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:3.2-0'

    :raises UnknownImage: naming what the table has.
    """
    entry = _table()
    for key, kind in ((framework, "framework"), (version, f"version of {framework}"), (region, "region")):
        if key not in entry:
            raise UnknownImage(f"{key!r} is not a known {kind}; known are {', '.join(sorted(entry))}")
        entry = entry[key]
    return str(entry)


def connection_region(aws_conn_id: str = "aws_default") -> str:
    """The region of the Airflow connection; without one there, of the environment."""
    return str(Aws(aws_conn_id).client("sagemaker").meta.region_name)


def connection_image_uri(framework: str, version: str, aws_conn_id: str = "aws_default") -> str:
    """The image in the region of the Airflow connection, for templates.

    :raises UnknownImage: naming what the table has.
    """
    return image_uri(framework, version, connection_region(aws_conn_id))
