from __future__ import annotations

import pytest

from aws_ml.errors import UnknownImage
from aws_ml.images import image_uri


def test_the_account_depends_on_the_region() -> None:
    ireland = image_uri("xgboost", "3.2-0", "eu-west-1")
    assert ireland == "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:3.2-0"
    assert image_uri("xgboost", "3.2-0", "us-east-1").split(".")[0] != ireland.split(".")[0]


def test_china_has_its_own_domain() -> None:
    assert ".amazonaws.com.cn/" in image_uri("sklearn", "1.9-0", "cn-north-1")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("catboost", "3.2-0", "eu-west-1"), "'catboost' is not a known framework"),
        (("xgboost", "9.9-9", "eu-west-1"), "'9.9-9' is not a known version of xgboost"),
        (("xgboost", "3.2-0", "mars-1"), "'mars-1' is not a known region"),
    ],
)
def test_what_the_table_lacks_is_named(arguments: tuple[str, str, str], named: str) -> None:
    with pytest.raises(UnknownImage, match=named):
        image_uri(*arguments)
