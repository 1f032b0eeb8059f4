"""The table of AWS's image URIs, derived from the SageMaker SDK.

`python -m include.local_aws.tools.image_uris > plugins/aws_ml/image_uris.json`
"""

from __future__ import annotations

import json
import sys

from sagemaker.core import image_uris

# The versions that the workflows name: framework → versions.
VERSIONS = {"sklearn": ["1.9-0"], "xgboost": ["3.2-0"]}

Table = dict[str, dict[str, dict[str, str]]]


def derive() -> Table:
    """Framework → version → region → URI, for every region of the SDK."""
    return {
        framework: {version: _regions(framework, version) for version in versions}
        for framework, versions in VERSIONS.items()
    }


def _regions(framework: str, version: str) -> dict[str, str]:
    registries = image_uris.config_for_framework(framework)["training"]["versions"][version]["registries"]
    return {
        region: image_uris.retrieve(
            framework, region, version=version, py_version="py3", instance_type="ml.m5.large"
        )
        for region in sorted(registries)
    }


if __name__ == "__main__":
    json.dump(derive(), sys.stdout, indent=1)
    print()
