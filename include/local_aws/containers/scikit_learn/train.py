"""`train` of the scikit-learn image: the user's script."""

from __future__ import annotations

from include.local_aws.containers.toolkit import script


def main() -> int:
    """Run the script; returns its exit code."""
    return script.train("sagemaker_sklearn_container.training:main")
