"""URIs of the images that AWS ships, without the SageMaker SDK (it cannot share Airflow's environment).

The table `image_uris.json` is derived from the SDK; a test compares the two.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any


class UnknownImage(LookupError):
    """The framework, version or region is not in the table."""


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(Path(__file__).with_name("image_uris.json").read_text())
    return table


def image_uri(framework: str, version: str, region: str) -> str:
    """The image of one framework version in one region.

    >>> image_uri("xgboost", "3.2-0", "eu-west-1")
    '141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:3.2-0'

    :raises UnknownImage: naming what the table knows.
    """
    found = _table()
    for key, kind in ((framework, "framework"), (version, f"version of {framework}"), (region, "region")):
        if key not in found:
            raise UnknownImage(f"{key!r} is not a known {kind}; known are {', '.join(sorted(found))}")
        found = found[key]
    return str(found)


def connection_region(aws_conn_id: str = "aws_default") -> str:
    """The region that the Airflow connection, or else the environment, names."""
    from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook

    return str(AwsGenericHook(aws_conn_id=aws_conn_id, client_type="sagemaker").conn_region_name)


def connection_image_uri(framework: str, version: str, aws_conn_id: str = "aws_default") -> str:
    """The image in the region of the Airflow connection: what templates use."""
    return image_uri(framework, version, connection_region(aws_conn_id))
