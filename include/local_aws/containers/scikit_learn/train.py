"""`train` of the scikit-learn image: the user's script."""

from __future__ import annotations

from include.local_aws.containers.toolkit import script


def main() -> int:
    return script.train("sagemaker_sklearn_container.training:main")
