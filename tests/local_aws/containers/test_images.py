"""Known image URIs, and the containers that start for them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from include.local_aws.containers import images
from include.local_aws.containers.images import UnknownImage


@pytest.mark.parametrize(
    ("uri", "repository", "version"),
    [
        (
            "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:3.2-0",
            "sagemaker-xgboost",
            "3.2-0",
        ),
        (
            "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3",
            "sagemaker-scikit-learn",
            "1.9-0-cpu-py3",
        ),
        (
            "451049120500.dkr.ecr.cn-north-1.amazonaws.com.cn/sagemaker-xgboost:1.7-1",
            "sagemaker-xgboost",
            "1.7-1",
        ),
        ("sagemaker-xgboost:latest", "sagemaker-xgboost", "latest"),
    ],
)
def test_an_image_of_any_account_and_region_is_known_by_its_repository(
    uri: str, repository: str, version: str
) -> None:
    assert images.find(uri) == images.Image(repository, version)


@pytest.mark.parametrize(
    "uri",
    [
        "141502667606.dkr.ecr.eu-west-1.amazonaws.com/my-own:1",
        "sagemaker-xgboost",
        "evil.example/sagemaker-xgboost:1",
        "",
        "sagemaker-xgboost:1;rm -rf /",
    ],
)
def test_another_image_is_refused_with_the_known_repositories(uri: str) -> None:
    with pytest.raises(UnknownImage, match=r"the local AWS has sagemaker-scikit-learn, sagemaker-xgboost\."):
        images.find(uri)


@pytest.mark.parametrize(
    "module", ["xgboost.train", "xgboost.serve", "scikit_learn.train", "scikit_learn.serve"]
)
def test_a_container_loads_no_library_before_it_needs_it(module: str) -> None:
    """The user's script decides what is imported: scikit-learn alone takes seconds."""
    heavy = "{'xgboost', 'sklearn', 'pandas', 'scipy', 'boto3'}"
    code = f"import sys, include.local_aws.containers.{module}; print(sorted({heavy} & set(sys.modules)))"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "[]"
